#include "init/users.h"

#include <doctest/doctest.h>

TEST_CASE("each identity has a user and a group of its own, and nobody a password") {
  CHECK(init::passwd_text() ==
        "root:x:0:0::/root:/bin/bash\n"
        "agentuser:x:1000:1000::/home/agentuser:/bin/bash\n"
        "agentcli:x:1001:1001::/home/agentuser:/bin/bash\n"
        "agentaudit:x:1002:1002::/nonexistent:/usr/sbin/nologin\n"
        "agentnet:x:1003:1003::/nonexistent:/usr/sbin/nologin\n"
        "agentchannel:x:1004:1004::/nonexistent:/usr/sbin/nologin\n"
        "nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n");
  CHECK(init::group_text() ==
        "root:x:0:\n"
        "agentuser:x:1000:\n"
        "agentcli:x:1001:\n"
        "agentaudit:x:1002:\n"
        "agentnet:x:1003:\n"
        "agentchannel:x:1004:\n"
        "nogroup:x:65534:\n");
}

TEST_CASE("an image's own database is recognised by name and number") {
  CHECK(init::has_our_users(init::passwd_text()));
  CHECK(init::has_our_users("agentuser:x:1000:1000:A:/h:/s\nagentcli:x:1001:1001::/:/s\n"));
  CHECK_FALSE(init::has_our_users("root:x:0:0::/root:/bin/bash\n"));
  CHECK_FALSE(init::has_our_users("agentuser:x:1000:1000::/:/s\nagentcli:x:1002:1002::/:/s\n"));
  CHECK_FALSE(init::has_our_users("agentuser:x:1000:1000::/:/s\nxagentcli:x:1001:1001::/:/s\n"));
}
