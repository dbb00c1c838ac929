// SPDX-License-Identifier: MIT
#include <boost/json.hpp>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstdio>
#include <ctime>
#include <map>

#include "http.h"

// BlobEndpoint, AccountName, AccountKey of the connection string; PUT Blob signed by Shared Key.
class BlobStore {
 public:
  explicit BlobStore(asio::io_context& io) {
    std::map<std::string, std::string> f;
    std::string cs = env("AZURE_STORAGE_CONNECTION_STRING", "");
    for (std::size_t p = 0; p < cs.size();) {
      auto e = cs.find(';', p);
      if (e == std::string::npos) e = cs.size();
      auto q = cs.find('=', p);
      if (q < e) f[cs.substr(p, q - p)] = cs.substr(q + 1, e - q - 1);
      p = e + 1;
    }
    account_ = f["AccountName"];
    key_.resize(f["AccountKey"].size());
    int n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(key_.data()), reinterpret_cast<const unsigned char*>(f["AccountKey"].data()),
                            static_cast<int>(f["AccountKey"].size()));
    for (char c : {'=', '='}) n -= !f["AccountKey"].empty() && f["AccountKey"].back() == c && (f["AccountKey"].pop_back(), true);
    key_.resize(n);
    std::string url = f["BlobEndpoint"].substr(7);  // after http://
    auto slash = url.find('/');
    prefix_ = (slash == std::string::npos ? "" : url.substr(slash)) + "/" + env("STORAGE_ACCOUNT_CONTAINER_NAME", "orders") + "/";
    client_ = std::make_unique<Client>(io, url.substr(0, slash));
  }
  Task<unsigned> upload(std::string name, std::string text, otrace::SpanContext parent, otrace::Tracer& tracer) {
    otrace::StartSpanOptions o;
    o.parent = parent;
    SpanPtr span = tracer.StartSpan("BlobClient.upload", {{"az.namespace", "Microsoft.Storage"}}, o);
    char date[64];
    std::time_t now = std::time(nullptr);
    std::tm tm;
    gmtime_r(&now, &tm);
    std::strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    std::string path = prefix_ + name;
    std::string headers = std::string("x-ms-blob-type:BlockBlob\nx-ms-date:") + date + "\nx-ms-version:2021-12-02\n";
    std::string to_sign = "PUT\n\n\n" + std::to_string(text.size()) + "\n\napplication/json\n\n\n\n\n\n\n" + headers + "/" + account_ + path;
    unsigned char mac[32];
    unsigned len = 0;
    HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), reinterpret_cast<const unsigned char*>(to_sign.data()), to_sign.size(), mac, &len);
    char b64[64];
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(b64), mac, static_cast<int>(len));
    Request req(http::verb::put, path, 11);
    req.set("x-ms-blob-type", "BlockBlob");
    req.set("x-ms-date", date);
    req.set("x-ms-version", "2021-12-02");
    req.set(http::field::content_type, "application/json");
    req.set(http::field::authorization, "SharedKey " + account_ + ":" + b64);
    req.body() = std::move(text);
    Response res = co_await client_->send(req, "PUT", span->GetContext(), tracer);
    if (res.result_int() != 201) span->SetStatus(otrace::StatusCode::kError);
    span->End();
    co_return res.result_int();
  }

 private:
  std::string account_, key_, prefix_;
  std::unique_ptr<Client> client_;
};

class Receipt {
 public:
  Receipt(asio::io_context& io, otrace::Tracer& t) : store_(io), tracer_(t) {}
  Task<Response> orders(const Request& in, const otrace::SpanContext& parent) {
    auto order = boost::json::parse(in.body());
    std::string text = boost::json::serialize(order);
    std::printf("Order received : %s\n", text.c_str());
    auto id = order.at("orderId").to_number<std::int64_t>();
    otrace::StartSpanOptions o;
    o.parent = parent;
    SpanPtr span = tracer_.StartSpan("order", {{"order.id", id}}, o);
    unsigned status = co_await store_.upload("order-" + std::to_string(id) + ".json", std::move(text), span->GetContext(), tracer_);
    span->End();
    Response res(status == 201 ? http::status::ok : http::status::bad_gateway, 11);
    res.body() = status == 201 ? "{\"success\": true}" : "{\"success\": false}";
    co_return res;
  }

 private:
  BlobStore store_;
  otrace::Tracer& tracer_;
};

int main() { return run_service<Receipt>(); }
