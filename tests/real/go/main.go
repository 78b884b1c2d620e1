// A session of toxiproxy's own Go client: what it is told, a line of JSON each.
// Usage: session API UPSTREAM (an echo)
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2/client"
)

func main() {
	client := toxiproxy.NewClient(os.Args[1])
	proxy, err := client.CreateProxy("echo", "127.0.0.1:0", os.Args[2])
	must(err)
	say("created", proxy.Name, proxy.Enabled, len(proxy.ActiveToxics), intact(proxy, 0))

	toxic, err := proxy.AddToxic("slow", "latency", "downstream", 1, toxiproxy.Attributes{"latency": 300})
	must(err)
	say("added", toxic, intact(proxy, 300*time.Millisecond))
	toxic, err = proxy.UpdateToxic("slow", 0.5, toxiproxy.Attributes{"latency": 1, "jitter": 1})
	must(err)
	say("updated", toxic)
	_, err = proxy.AddToxic("", "bandwidth", "upstream", 1, toxiproxy.Attributes{"rate": 1000})
	must(err)
	toxics, err := proxy.Toxics()
	must(err)
	say("toxics", toxics, intact(proxy, 0))

	must(proxy.Disable())
	_, err = net.Dial("tcp", proxy.Listen)
	say("disabled", proxy.Enabled, err != nil)
	must(proxy.Enable())
	say("enabled", proxy.Enabled, intact(proxy, 0))

	_, err = client.CreateProxy("echo", "127.0.0.1:0", os.Args[2])
	say("twice", fmt.Sprint(err))
	_, err = proxy.AddToxic("x", "nope", "downstream", 1, nil)
	say("unknown kind", fmt.Sprint(err))
	say("unknown toxic", fmt.Sprint(proxy.RemoveToxic("none")))
	_, err = client.Proxy("none")
	say("unknown proxy", fmt.Sprint(err))

	made, err := client.Populate([]toxiproxy.Proxy{{Name: "more", Listen: "127.0.0.1:0", Upstream: os.Args[2], Enabled: true}})
	must(err)
	say("populated", len(made), made[0].Name, made[0].Enabled)
	must(client.ResetState())
	proxies, err := client.Proxies()
	must(err)
	say("reset", len(proxies), len(proxies["echo"].ActiveToxics))
	for _, each := range proxies {
		must(each.Delete())
	}
	proxies, err = client.Proxies()
	must(err)
	say("deleted", len(proxies))
}

// intact sends bytes through the proxy and says whether they came back, and no sooner than after least.
func intact(proxy *toxiproxy.Proxy, least time.Duration) bool {
	conn, err := net.Dial("tcp", proxy.Listen)
	must(err)
	defer conn.Close()
	data := bytes.Repeat([]byte("0123456789"), 10_000)
	begun := time.Now()
	go conn.Write(data)
	back := make([]byte, len(data))
	_, err = io.ReadFull(conn, back)
	must(err)
	return bytes.Equal(data, back) && time.Since(begun) >= least
}

func say(what ...any) {
	must(json.NewEncoder(os.Stdout).Encode(what))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
