// A session of toxiproxy-node-client: what it is told, a line of JSON each.
// Usage: node session.cjs API UPSTREAM (an echo); the client is found by NODE_PATH.
const net = require("node:net");
const { Toxiproxy } = require("toxiproxy-node-client");

const [api, upstream] = process.argv.slice(2);
const say = (...what) => console.log(JSON.stringify(what));
const why = (error) => error.message;

function dialled(listen) {
  const port = Number(listen.split(":").pop());
  return net.connect({ host: "127.0.0.1", port });
}

// Sends bytes through the proxy and says whether they came back, and no sooner than after `least` ms.
function intact(proxy, least = 0) {
  return new Promise((resolve, reject) => {
    const data = Buffer.alloc(100_000, "0123456789");
    const begun = process.hrtime.bigint();
    const pieces = [];
    let length = 0;
    const socket = dialled(proxy.listen).on("error", reject);
    socket.on("data", (piece) => {
      pieces.push(piece);
      length += piece.length;
      if (length >= data.length) {
        const took = Number(process.hrtime.bigint() - begun) / 1e6;
        socket.destroy();
        resolve(Buffer.concat(pieces).equals(data) && took >= least);
      }
    });
    socket.write(data);
  });
}

function refused(proxy) {
  return new Promise((resolve) => {
    dialled(proxy.listen)
      .on("connect", () => resolve(false))
      .on("error", () => resolve(true));
  });
}

async function main() {
  const toxiproxy = new Toxiproxy(api);
  say("version", typeof JSON.parse(await toxiproxy.getVersion()).version);
  let proxy = await toxiproxy.createProxy({ name: "echo", listen: "127.0.0.1:0", upstream });
  say("created", proxy.name, proxy.enabled, await intact(proxy));

  const slow = { name: "slow", type: "latency", attributes: { latency: 300, jitter: 0 } };
  let toxic = await proxy.addToxic(slow);
  say("added", toxic.toJson(), await intact(proxy, 300));
  toxic = await toxic.update({ attributes: { latency: 1, jitter: 1 }, toxicity: 0.5 });
  say("updated", toxic.toJson(), (await proxy.getToxic("slow")).toJson());

  proxy = await proxy.update({ enabled: false, listen: proxy.listen, upstream });
  say("disabled", proxy.enabled, await refused(proxy));
  proxy = await proxy.update({ enabled: true, listen: proxy.listen, upstream });
  say("enabled", proxy.enabled, await intact(proxy));

  say("twice", await toxiproxy.createProxy({ name: "echo", listen: "127.0.0.1:0", upstream }).catch(why));
  say("unknown kind", await proxy.addToxic({ type: "nope", attributes: {} }).catch(why));
  say("unknown proxy", await toxiproxy.get("none").catch(why));

  const made = await toxiproxy.populate([{ name: "more", listen: "127.0.0.1:0", upstream, enabled: true }]);
  say("populated", Object.keys(made), made.more.enabled);
  await toxic.remove();
  await toxiproxy.reset();
  for (const each of Object.values(await toxiproxy.getAll())) await each.remove();
  say("deleted", Object.keys(await toxiproxy.getAll()));
}

main();
