// One upload by tus-java-client; prints the upload's URL. Usage: java -cp JARS Upload.java ENDPOINT FILE
import io.tus.java.client.ProtocolException;
import io.tus.java.client.TusClient;
import io.tus.java.client.TusExecutor;
import io.tus.java.client.TusURLMemoryStore;
import io.tus.java.client.TusUpload;
import io.tus.java.client.TusUploader;
import java.io.File;
import java.io.IOException;
import java.net.URL;

public class Upload {
    public static void main(String[] words) throws Exception {
        TusClient client = new TusClient();
        client.setUploadCreationURL(new URL(words[0]));
        client.enableResuming(new TusURLMemoryStore());
        TusUpload upload = new TusUpload(new File(words[1]));
        boolean done = new TusExecutor() {
            @Override
            protected void makeAttempt() throws ProtocolException, IOException {
                TusUploader uploader = client.resumeOrCreateUpload(upload);
                while (uploader.uploadChunk() > -1) {
                    continue;
                }
                uploader.finish();
                System.out.println(uploader.getUploadURL());
            }
        }.makeAttempts();
        System.exit(done ? 0 : 1);
    }
}
