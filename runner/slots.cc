#include "runner/slots.h"

#include <new>

#include "os/listener.h"
#include "os/shared_memory.h"

namespace runner {

os::Result<Slots*> map_slots() {
  void* memory = TRY(os::shared_memory(sizeof(Slots)));
  return new (memory) Slots{};
}

unsigned answer_all(Slots& slots, int listener, int error) {
  unsigned waiting = 0;
  for (Slot& slot : slots.slot) {
    const auto id = slot.notification.id;
    if (id == 0) continue;
    if (os::refuse_notification(listener, id, error)) ++waiting;
    slot.notification.id = 0;
  }
  return waiting;
}

}  // namespace runner
