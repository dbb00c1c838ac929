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
  std::int32_t ZigZag32() { return protozero::decode_zigzag32(static_cast<std::uint32_t>(Varint())); }
  double Double() {
    Expect(protozero::pbf_wire_type::fixed64);
    return reader_.get_double();
  }

  /// The values of a repeated field of fixed width or of varints, packed or one by one.
  template <typename Each>
  void RepeatedFixed64(Each each) {
    if (reader_.wire_type() != protozero::pbf_wire_type::length_delimited) return each(Fixed64());
    for (const std::uint64_t value : reader_.get_packed_fixed64()) each(value);
  }
  template <typename Each>
  void RepeatedDouble(Each each) {
    if (reader_.wire_type() != protozero::pbf_wire_type::length_delimited) return each(Double());
    for (const double value : reader_.get_packed_double()) each(value);
  }
  template <typename Each>
  void RepeatedVarint(Each each) {
    if (reader_.wire_type() != protozero::pbf_wire_type::length_delimited) return each(Varint());
    for (const std::uint64_t value : reader_.get_packed_uint64()) each(value);
  }

 private:
  void Expect(protozero::pbf_wire_type type) const {
    if (reader_.wire_type() != type) throw WrongWireType();
  }

  protozero::pbf_reader reader_;
};

}  // namespace azmon::local
