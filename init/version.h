// The version of this build.
#pragma once

namespace init {

inline constexpr char kVersion[] = AGENT_VERSION;

}  // namespace init
