// A disk that fills up: nothing is recorded that is not in the log, and nothing accepted is lost.
#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>

#include "audit/actions.h"
#include "tests/audit/daemon_process.h"
#include "tests/support/skip.h"

namespace {

using nlohmann::json;
using test_support::DaemonProcess;
using test_support::eventually;

// A tmpfs in a mount namespace of this process, gone at the end.
class SmallDisk {
 public:
  SmallDisk() {
    REQUIRE(::mkdtemp(path_.data()) != nullptr);
    mounted_ = ::unshare(CLONE_NEWNS) == 0 &&
               ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
               ::mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=1m") == 0;
  }
  ~SmallDisk() {
    ::umount2(path_.c_str(), MNT_DETACH);
    ::rmdir(path_.c_str());
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool mounted() const { return mounted_; }
  const std::string& path() const { return path_; }
  bool resize(const char* options) const {
    return ::mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT, options) == 0;
  }

 private:
  std::string path_ = "/tmp/small_disk.XXXXXX";
  bool mounted_ = false;
};

}  // namespace

TEST_CASE("a full disk refuses records, loses none of those accepted, and recovers") {
  SmallDisk disk;
  if (!disk.mounted()) return test_support::skip("no mount namespace with a tmpfs");
  DaemonProcess daemon(false, disk.path());
  daemon.start();
  const audit::Client client = daemon.client();
  const std::string padding(1000, 'x');

  int accepted = 0;
  os::Status status;
  while (
      (status = client.record(
           audit::Event("exec-allowed").set("exec.id", accepted + 1).set("test.padding", padding)))
          .ok()) {
    ++accepted;
    REQUIRE(accepted < 2000);
  }
  CHECK(status.error().code == ENOSPC);
  CHECK(accepted > 100);
  CHECK(client.record(audit::Event("exec-allowed")).error().code == ENOSPC);

  // A killed daemon comes back to the same state.
  daemon.kill();
  daemon.start();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK(client.record(audit::Event("exec-allowed")).error().code == ENOSPC);

  REQUIRE(disk.resize("size=4m"));
  eventually([&] { return daemon.state().unwritable.load() == 0; });
  CHECK(client.record(audit::session_end({})).ok());
  daemon.finish();

  const auto lines = daemon.lines();
  REQUIRE(lines.size() == static_cast<std::size_t>(accepted) + 2);
  for (int i = 0; i < accepted; ++i) {
    REQUIRE(lines[static_cast<std::size_t>(i)]["data"]["exec"]["id"] == i + 1);
  }
  const json& report = lines[lines.size() - 2];
  CHECK(report["data"]["event"]["action"] == "events-dropped");
  CHECK(report["data"]["audit"]["refused_total"] == 3);
  CHECK(lines.back()["data"]["event"]["action"] == "session-end");
}

TEST_CASE("a copy whose disk is full refuses records, too") {
  SmallDisk disk;
  if (!disk.mounted()) return test_support::skip("no mount namespace with a tmpfs");
  REQUIRE(os::write_file(disk.path() + "/ballast", std::string(900 * 1024, 'x')).ok());
  DaemonProcess daemon(true, disk.path());
  daemon.start();
  eventually([&] { return daemon.state().unwritable.load() == ENOSPC; });
  CHECK(daemon.client().record(audit::Event("exec-allowed")).error().code == ENOSPC);
  REQUIRE(::unlink((disk.path() + "/ballast").c_str()) == 0);
  REQUIRE(disk.resize("size=4m"));
  eventually([&] { return daemon.state().unwritable.load() == 0; });
  CHECK(daemon.client().record(audit::Event("exec-allowed")).ok());
  CHECK(daemon.finish() == 0);
  CHECK(daemon.copy() == daemon.log());
}
