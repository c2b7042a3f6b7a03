// Hostile messages to agent-auditd and broken lines in its log: no line ever has more than its end.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "audit/json_text.h"
#include "audit/record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static_cast<void>(audit::read_line(bytes));
  const auto record = audit::read_message(bytes);
  if (record.ok() && record.value().header.kind == audit::RecordKind::event) {
    const auto& view = record.value();
    const std::string line = audit::make_line({.session = "s", .seq = 1}, view.action, view.data);
    if (line.find('\n') != line.size() - 1) std::abort();
  }
  std::string text;
  audit::append_json_string(text, bytes, 64);
  if (text.size() > 64) std::abort();
  return 0;
}
