"""toxiproxy's HTTP API on the embedded engine's loop: ``simsim engine``.

serve.py       the process: the loop, the HTTP server, the signals
http.py        HTTP/1.1 on the loop, by h11
core.py        what each request does: pure        routes.py      which request is which
endpoints.py   simsim's own requests: pure         decode.py      bodies, as toxiproxy reads them
records.py     proxies and toxics as data          addresses.py   "host:port", as toxiproxy reads it
toxics/        the kinds of toxics, a file each    chance.py      which connections a toxic strikes
metrics.py     Prometheus' text

live.py        one proxy made real: its listener, its connections, what is done to them
lanes.py       the two lanes of one connection     flow.py        its bytes, one way
connection.py  its two sockets                     playing.py     a proxy's link under a drawn timeline
draw.py        draws one, in a child process       pacing.py      many connections at once

The API is that of Shopify/toxiproxy v2.12.0 (api.go, proxy.go, proxy_collection.go, toxic_collection.go).
"""
