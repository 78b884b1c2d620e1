// tus-java-server in Tomcat, both as they come. Usage: java -cp JARS TusJavaServer.java HOST PORT DIRECTORY
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import me.desair.tus.server.TusFileUploadService;
import org.apache.catalina.Context;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Tomcat;

public class TusJavaServer {
    public static void main(String[] words) throws Exception {
        TusFileUploadService uploads =
                new TusFileUploadService().withStoragePath(words[2]).withUploadUri("/files");
        Connector connector = new Connector();
        connector.setProperty("address", words[0]);
        connector.setPort(Integer.parseInt(words[1]));
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(words[2]);
        tomcat.setConnector(connector);
        Context context = tomcat.addContext("", null);
        Tomcat.addServlet(context, "tus", new HttpServlet() {
            @Override
            protected void service(HttpServletRequest request, HttpServletResponse response)
                    throws ServletException, IOException {
                uploads.process(request, response);
            }
        });
        context.addServletMappingDecoded("/files/*", "tus");
        tomcat.start();
        System.out.println("listening on http://" + words[0] + ":" + connector.getLocalPort());
        tomcat.getServer().await();
    }
}
