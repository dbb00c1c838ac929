// SPDX-License-Identifier: MIT
// Telemetry and blob sink for the races: one small epoll HTTP/1.1 server (one thread)
// plus an optional OTLP/gRPC server (one completion-queue thread).
//
//   sink --http 9411 --blob 9412 --grpc 4317
//
// --http: POST <any>/track            Application Insights ingestion (JSON array or NDJSON, plain or gzip)
//         POST .../QuickPulseService.svc/{ping,post}
//         GET  /__stats               JSON counters;  POST /__reset zeroes them
//         POST /__down?ms=1000        takes no telemetry for so long: requests end their connection, OTLP is UNAVAILABLE
// --blob: PUT anything -> 201 (blob or container), counted. GET/HEAD/DELETE minimal.
// --grpc: any unary method is answered with an empty message (valid for Export*ServiceResponse);
//         spans / log records / metrics are counted from the wire.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#ifndef NO_GRPC
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#endif

// Plain C++ on purpose: it has to cost little and change seldom.
struct Stats {
  std::atomic<uint64_t> track_calls{0}, track_bytes{0}, items{0}, requests{0}, dependencies{0},
      messages{0}, exceptions{0}, metrics{0}, events{0}, other{0}, qp_ping{0}, qp_post{0},
      blob_puts{0}, blob_bytes{0}, http_other{0};
  std::atomic<uint64_t> grpc_calls{0}, grpc_bytes{0}, otlp_spans{0}, otlp_logs{0}, otlp_metrics{0};
  void reset() {
    for (auto *p : {&track_calls, &track_bytes, &items, &requests, &dependencies, &messages,
                    &exceptions, &metrics, &events, &other, &qp_ping, &qp_post, &blob_puts,
                    &blob_bytes, &http_other, &grpc_calls, &grpc_bytes, &otlp_spans,
                    &otlp_logs, &otlp_metrics})
      p->store(0);
  }
  std::string json() {
    char b[1024];
    snprintf(b, sizeof b,
             "{\"track_calls\":%lu,\"track_bytes\":%lu,\"items\":%lu,\"requests\":%lu,"
             "\"dependencies\":%lu,\"messages\":%lu,\"exceptions\":%lu,\"metrics\":%lu,"
             "\"events\":%lu,\"other\":%lu,\"qp_ping\":%lu,\"qp_post\":%lu,"
             "\"blob_puts\":%lu,\"blob_bytes\":%lu,\"http_other\":%lu,\"grpc_calls\":%lu,"
             "\"grpc_bytes\":%lu,\"otlp_spans\":%lu,\"otlp_logs\":%lu,\"otlp_metrics\":%lu}\n",
             track_calls.load(), track_bytes.load(), items.load(), requests.load(),
             dependencies.load(), messages.load(), exceptions.load(), metrics.load(), events.load(),
             other.load(), qp_ping.load(), qp_post.load(), blob_puts.load(),
             blob_bytes.load(), http_other.load(), grpc_calls.load(), grpc_bytes.load(),
             otlp_spans.load(), otlp_logs.load(), otlp_metrics.load());
    return b;
  }
} S;

static std::atomic<int64_t> down_until_ms{0};

static int64_t now_ms() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}
static bool is_down() { return now_ms() < down_until_ms.load(); }

static uint64_t count_items(std::string_view b) {
  static const char key[] = "\"baseType\"";
  uint64_t n = 0;
  const char *p = b.data(), *end = p + b.size();
  while (p < end) {
    p = (const char *)memmem(p, end - p, key, sizeof key - 1);
    if (!p) break;
    p += sizeof key - 1;
    const char *q = p;
    while (q < end && (*q == ' ' || *q == '\t')) ++q;
    if (q >= end || *q != ':') continue;
    ++q;
    while (q < end && (*q == ' ' || *q == '\t')) ++q;
    if (q >= end || *q != '"') continue;
    ++q;
    ++n;
    if (end - q < 7) continue;
    if (!memcmp(q, "Request", 7)) S.requests++;
    else if (!memcmp(q, "RemoteD", 7)) S.dependencies++;
    else if (!memcmp(q, "Message", 7)) S.messages++;
    else if (!memcmp(q, "Excepti", 7)) S.exceptions++;
    else if (!memcmp(q, "MetricD", 7)) S.metrics++;
    else if (!memcmp(q, "EventDa", 7)) S.events++;
    else S.other++;
  }
  return n;
}

static std::string gunzip(std::string_view in) {
  z_stream z{};
  std::string out;
  if (inflateInit2(&z, 15 + 32) != Z_OK) return out;
  z.next_in = (Bytef *)in.data();
  z.avail_in = in.size();
  char buf[65536];
  int rc;
  do {
    z.next_out = (Bytef *)buf;
    z.avail_out = sizeof buf;
    rc = inflate(&z, Z_NO_FLUSH);
    out.append(buf, sizeof buf - z.avail_out);
  } while (rc == Z_OK);
  inflateEnd(&z);
  return out;
}

struct Conn {
  int fd;
  bool blob;
  bool cont_sent = false;
  std::string in, out;
};

static std::string_view header(std::string_view head, const char *name) {
  size_t nl = strlen(name), pos = 0;
  while ((pos = head.find("\r\n", pos)) != std::string_view::npos) {
    pos += 2;
    if (head.size() - pos > nl && head[pos + nl] == ':' &&
        !strncasecmp(head.data() + pos, name, nl)) {
      size_t s = pos + nl + 1, e = head.find("\r\n", s);
      if (e == std::string_view::npos) e = head.size();
      while (s < e && head[s] == ' ') ++s;
      return head.substr(s, e - s);
    }
  }
  return {};
}

static std::string date_now() {
  static time_t last = 0;
  static char b[64];
  time_t t = time(nullptr);
  if (t != last) {
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(b, sizeof b, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    last = t;
  }
  return b;
}

static void reply(Conn &c, const char *status, const std::string &hdrs, const std::string &body,
                  bool head = false) {
  c.out += "HTTP/1.1 ";
  c.out += status;
  c.out += "\r\n";
  c.out += hdrs;
  c.out += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  if (!head) c.out += body;
}

static void handle(Conn &c, std::string_view head, std::string_view body) {
  size_t sp = head.find(' '), sp2 = head.find(' ', sp + 1);
  std::string_view method = head.substr(0, sp), path = head.substr(sp + 1, sp2 - sp - 1);
  if (c.blob) {
    static std::atomic<uint64_t> etag{1};
    std::string h = "Date: " + date_now() + "\r\nx-ms-version: 2021-12-02\r\nx-ms-request-id: 0\r\n";
    if (method == "PUT") {
      S.blob_puts++;
      S.blob_bytes += body.size();
      h += "ETag: \"0x" + std::to_string(etag++) + "\"\r\nLast-Modified: " + date_now() +
           "\r\nx-ms-request-server-encrypted: true\r\n";
      return reply(c, "201 Created", h, "");
    }
    if (method == "DELETE") return reply(c, "202 Accepted", h, "");
    return reply(c, "200 OK", h, "", method == "HEAD");
  }
  if (path.find("/track") != std::string_view::npos) {
    S.track_calls++;
    S.track_bytes += body.size();
    uint64_t n;
    std::string plain;
    if (body.size() > 2 && (unsigned char)body[0] == 0x1f && (unsigned char)body[1] == 0x8b) {
      plain = gunzip(body);
      body = plain;
    }
    n = count_items(body);
    S.items += n;
    char b[128];
    int k = snprintf(b, sizeof b, "{\"itemsReceived\":%lu,\"itemsAccepted\":%lu,\"errors\":[]}", n, n);
    return reply(c, "200 OK", "Content-Type: application/json; charset=utf-8\r\n", std::string(b, k));
  }
  if (path.find("QuickPulseService.svc") != std::string_view::npos) {
    bool post = path.find("/post") != std::string_view::npos;
    (post ? S.qp_post : S.qp_ping)++;
    return reply(c, "200 OK",
                 "Content-Type: application/json\r\nx-ms-qps-subscribed: false\r\n"
                 "x-ms-qps-configuration-etag: \r\n",
                 "{\"ETag\":\"\",\"Metrics\":[],\"DocumentStreams\":[],\"QuotaInfo\":null}");
  }
  if (path == "/__stats") return reply(c, "200 OK", "Content-Type: application/json\r\n", S.json());
  if (path == "/__reset") {
    S.reset();
    return reply(c, "200 OK", "", "ok\n");
  }
  if (path.substr(0, 7) == "/__down") {
    size_t i = path.find("ms=");
    down_until_ms = now_ms() + (i == std::string_view::npos ? 1000 : atoi(std::string(path.substr(i + 3)).c_str()));
    return reply(c, "200 OK", "", "ok\n");
  }
  S.http_other++;
  reply(c, "200 OK", "", "");
}

// returns false when the connection must be closed
static bool process(Conn &c) {
  for (;;) {
    size_t he = c.in.find("\r\n\r\n");
    if (he == std::string::npos) return c.in.size() < 65536;
    std::string_view head(c.in.data(), he);
    size_t total;
    std::string dechunk;
    std::string_view body;
    auto te = header(head, "Transfer-Encoding");
    auto cl = header(head, "Content-Length");
    if (!c.cont_sent && !header(head, "Expect").empty()) {
      c.cont_sent = true;
      c.out += "HTTP/1.1 100 Continue\r\n\r\n";
    }
    if (!te.empty() && te.find("chunked") != std::string_view::npos) {
      size_t p = he + 4;
      for (;;) {
        size_t e = c.in.find("\r\n", p);
        if (e == std::string::npos) return true;
        size_t n = strtoul(c.in.c_str() + p, nullptr, 16);
        if (c.in.size() < e + 2 + n + 2) return true;
        if (n == 0) {
          total = e + 4;
          break;
        }
        dechunk.append(c.in, e + 2, n);
        p = e + 2 + n + 2;
      }
      body = dechunk;
    } else {
      size_t n = cl.empty() ? 0 : strtoul(std::string(cl).c_str(), nullptr, 10);
      total = he + 4 + n;
      if (c.in.size() < total) {
        c.in.reserve(total);
        return true;
      }
      body = std::string_view(c.in.data() + he + 4, n);
    }
    handle(c, head, body);
    c.cont_sent = false;
    c.in.erase(0, total);
    if (c.in.empty()) return true;
  }
}

static int listen_on(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  a.sin_port = htons(port);
  if (bind(fd, (sockaddr *)&a, sizeof a) || listen(fd, 1024)) {
    perror("bind/listen");
    exit(1);
  }
  return fd;
}

static void http_loop(int http_port, int blob_port) {
  int ep = epoll_create1(0);
  int lfd[2] = {http_port ? listen_on(http_port) : -1, blob_port ? listen_on(blob_port) : -1};
  for (int f : lfd)
    if (f >= 0) {
      epoll_event e{EPOLLIN, {.fd = f}};
      epoll_ctl(ep, EPOLL_CTL_ADD, f, &e);
    }
  std::unordered_map<int, std::unique_ptr<Conn>> conns;
  std::vector<char> buf(1 << 18);
  epoll_event ev[256];
  for (;;) {
    int n = epoll_wait(ep, ev, 256, -1);
    for (int i = 0; i < n; ++i) {
      int fd = ev[i].data.fd;
      if (fd == lfd[0] || fd == lfd[1]) {
        int c;
        while ((c = accept4(fd, nullptr, nullptr, SOCK_NONBLOCK)) >= 0) {
          int one = 1;
          setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
          auto k = std::make_unique<Conn>();
          k->fd = c;
          k->blob = fd == lfd[1];
          conns[c] = std::move(k);
          epoll_event e{EPOLLIN, {.fd = c}};
          epoll_ctl(ep, EPOLL_CTL_ADD, c, &e);
        }
        continue;
      }
      auto it = conns.find(fd);
      if (it == conns.end()) continue;
      Conn &c = *it->second;
      bool ok = true;
      if (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        for (;;) {
          ssize_t r = read(fd, buf.data(), buf.size());
          if (r > 0) {
            c.in.append(buf.data(), r);
            if ((size_t)r < buf.size()) break;
          } else if (r == 0) {
            ok = false;
            break;
          } else {
            if (errno != EAGAIN) ok = false;
            break;
          }
        }
        // The one who asks about the sink itself is answered all the same.
        bool telemetry = !c.blob && c.in.find(" /__") == std::string::npos;
        if (telemetry && is_down()) ok = false;
        else if (!process(c)) ok = false;
      }
      if (!c.out.empty()) {
        ssize_t w = write(fd, c.out.data(), c.out.size());
        if (w > 0) c.out.erase(0, w);
        else if (w < 0 && errno != EAGAIN) ok = false;
        epoll_event e{c.out.empty() ? (uint32_t)EPOLLIN : (uint32_t)(EPOLLIN | EPOLLOUT), {.fd = fd}};
        if (!c.out.empty() || (ev[i].events & EPOLLOUT)) epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e);
      }
      if (!ok) {
        close(fd);
        conns.erase(it);
      }
    }
  }
}

#ifndef NO_GRPC
// counts sub-messages at field path f[0].f[1].f[2] of a protobuf message
static uint64_t pb_count(const uint8_t *p, const uint8_t *e, const int *f, int depth) {
  uint64_t n = 0;
  auto varint = [&](uint64_t &v) {
    v = 0;
    int s = 0;
    while (p < e) {
      uint8_t b = *p++;
      v |= (uint64_t)(b & 0x7f) << s;
      if (!(b & 0x80)) return true;
      s += 7;
    }
    return false;
  };
  while (p < e) {
    uint64_t tag, len;
    if (!varint(tag)) break;
    switch (tag & 7) {
      case 0: if (!varint(len)) return n; break;
      case 1: p += 8; break;
      case 5: p += 4; break;
      case 2:
        if (!varint(len) || (uint64_t)(e - p) < len) return n;
        if ((int)(tag >> 3) == f[0]) n += depth == 1 ? 1 : pb_count(p, p + len, f + 1, depth - 1);
        p += len;
        break;
      default: return n;
    }
  }
  return n;
}

struct Call {
  grpc::GenericServerContext ctx;
  grpc::GenericServerAsyncReaderWriter rw{&ctx};
  grpc::ByteBuffer req, resp;
  int state = 0;
};

static void grpc_loop(int port) {
  grpc::AsyncGenericService svc;
  grpc::ServerBuilder b;
  b.AddListeningPort("127.0.0.1:" + std::to_string(port), grpc::InsecureServerCredentials());
  b.RegisterAsyncGenericService(&svc);
  b.SetMaxReceiveMessageSize(64 << 20);
  auto cq = b.AddCompletionQueue();
  auto server = b.BuildAndStart();
  if (!server) exit(2);
  auto next = [&] {
    auto *c = new Call;
    svc.RequestCall(&c->ctx, &c->rw, cq.get(), cq.get(), c);
  };
  for (int i = 0; i < 16; ++i) next();
  void *tag;
  bool ok;
  while (cq->Next(&tag, &ok)) {
    auto *c = (Call *)tag;
    switch (c->state) {
      case 0:
        next();
        if (!ok) { delete c; break; }
        c->state = 1;
        c->rw.Read(&c->req, c);
        break;
      case 1: {
        if (is_down()) {
          c->state = 2;
          c->rw.Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "down"), c);
          break;
        }
        if (ok) {
          std::vector<grpc::Slice> sl;
          c->req.Dump(&sl);
          std::string s;
          for (auto &x : sl) s.append((const char *)x.begin(), x.size());
          S.grpc_calls++;
          S.grpc_bytes += s.size();
          static const int path[3] = {1, 2, 2};
          uint64_t n = pb_count((const uint8_t *)s.data(), (const uint8_t *)s.data() + s.size(), path, 3);
          const std::string &m = c->ctx.method();
          if (m.find("Trace") != std::string::npos) S.otlp_spans += n;
          else if (m.find("Logs") != std::string::npos) S.otlp_logs += n;
          else S.otlp_metrics += n;
        }
        grpc::Slice empty;
        c->resp = grpc::ByteBuffer(&empty, 1);
        c->state = 2;
        c->rw.WriteAndFinish(c->resp, grpc::WriteOptions(), grpc::Status::OK, c);
        break;
      }
      default: delete c;
    }
  }
}
#endif

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  int http = 0, blob = 0, grpc_port = 0;
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string a = argv[i];
    if (a == "--http") http = atoi(argv[i + 1]);
    else if (a == "--blob") blob = atoi(argv[i + 1]);
    else if (a == "--grpc") grpc_port = atoi(argv[i + 1]);
  }
#ifndef NO_GRPC
  if (grpc_port) std::thread(grpc_loop, grpc_port).detach();
#endif
  http_loop(http, blob);
}
