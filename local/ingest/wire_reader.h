// SPDX-License-Identifier: MIT
// protozero's reader for bytes of strangers: it asserts that a field has the type that the caller expects, this one throws instead.
#pragma once

#include <cstdint>
#include <string_view>

#include <protozero/pbf_reader.hpp>

namespace azmon::local {

/// A field has another wire type than its number says.
struct WrongWireType : protozero::exception {
  const char* what() const noexcept override { return "a field has the wrong wire type"; }
};

class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : reader_(bytes.data(), bytes.size()) {}

  bool Next() { return reader_.next(); }
  std::uint32_t Tag() const { return reader_.tag(); }
  void Skip() { reader_.skip(); }

  std::string_view Bytes() {
    Expect(protozero::pbf_wire_type::length_delimited);
    const auto view = reader_.get_view();
    return {view.data(), view.size()};
  }
  std::uint64_t Varint() {
    Expect(protozero::pbf_wire_type::varint);
    return reader_.get_uint64();
  }
  std::uint64_t Fixed64() {
    Expect(protozero::pbf_wire_type::fixed64);
    return reader_.get_fixed64();
  }
  double Double() {
    Expect(protozero::pbf_wire_type::fixed64);
    return reader_.get_double();
  }

 private:
  void Expect(protozero::pbf_wire_type type) const {
    if (reader_.wire_type() != type) throw WrongWireType();
  }

  protozero::pbf_reader reader_;
};

}  // namespace azmon::local
