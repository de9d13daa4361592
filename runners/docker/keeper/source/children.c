/* Children: the program, what it left to us, and our own two helpers, which are waited for apart. */
#include "keeper.h"

int leader, leader_status, helper_pids[2];
bool leader_gone, all_are_ours;

bool reap(void) {
  int status, pid;
  while ((pid = (int)sys(wait4, -1, &status, WNOHANG, 0)) > 0 || pid == -EINTR) {
    if (pid == leader && !leader_gone) {
      leader_gone = true;
      leader_status = status;
    }
    for (int i = 0; i < 2; i++)
      if (pid == helper_pids[i]) helper_pids[i] = 0;
  }
  return pid != -ECHILD;
}

int fork_plain(void) { return (int)sys(clone, SIGCHLD); }

/* Without a signal at its end it is no child for a plain wait. qemu's user mode knows only plain children. */
int fork_helper(void) { return (int)sys(clone, 0); }
