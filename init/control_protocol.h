// Messages of the control socket: fixed-size records, so that PID 1 parses nothing.
//
// A client sends one ControlRequest and gets ControlRecords, the last of kind `end`. Both sides are
// of one machine, so the records are plain memory; the version says which layout.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace init {

inline constexpr char kControlSocket[] = "/run/agent-init/control.sock";
inline constexpr std::uint32_t kControlMagic = 0x4354524c;
inline constexpr std::uint32_t kControlVersion = 1;

enum class ControlVerb : std::uint32_t {
  status = 1,
  attach,   // to the CLI's terminal; the connection speaks channel/terminal_relay.h from then on
  channel,  // with two descriptors: the host's new connection, as long as this one is open
};

struct ControlRequest {
  std::uint32_t magic = kControlMagic;
  std::uint32_t version = kControlVersion;
  ControlVerb verb = ControlVerb::status;
};

enum class RecordKind : std::uint32_t { process = 1, protection, mount, end };

/// The numbers of supervisord, which its clients know.
enum class ProcessState : std::uint32_t { backoff = 30, stopping = 40, running = 20, exited = 100 };

struct ControlRecord {
  std::uint32_t magic = kControlMagic;
  std::uint32_t version = kControlVersion;
  RecordKind kind = RecordKind::end;
  ProcessState state = ProcessState::running;  // process
  std::int32_t pid = 0;                        // process; in the container's pid namespace
  std::uint32_t restarts = 0;                  // process
  std::uint64_t uptime_ms = 0;                 // process
  std::array<char, 64> name{};                 // process, protection, path of the mount; NUL-ended
  std::array<char, 64> value{};                // level of the protection, way of the mount

  void set_name(std::string_view text) { set(name, text); }
  void set_value(std::string_view text) { set(value, text); }
  std::string_view name_text() const { return text_of(name); }
  std::string_view value_text() const { return text_of(value); }

 private:
  using Text = std::array<char, 64>;
  static void set(Text& field, std::string_view text) {
    text.substr(0, field.size() - 1).copy(field.data(), field.size() - 1);
  }
  static std::string_view text_of(const Text& field) {
    const std::string_view all(field.data(), field.size());
    return all.substr(0, all.find('\0'));
  }
};

}  // namespace init
