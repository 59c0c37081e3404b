/* What a sniffer needs of a node, tried out: a packet socket, and the processes of the node under /hostproc. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *said(int failed) { return failed ? strerror(errno) : "ok"; }

int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  printf("uid: %d\n", (int)getuid());
  printf("packet socket: %s\n", said(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)) < 0));
  char line[256] = "";
  FILE *file = fopen("/hostproc/1/comm", "r");
  printf("init of the node: %s\n", file && fgets(line, sizeof line, file) ? strtok(line, "\n") : strerror(errno));
  printf("sockets of the node: %s\n", said(access("/hostproc/1/net/tcp", R_OK)));
  printf("root file system: %s\n", said(!fopen("/written", "w")));
  for (;;) {
    pause();
  }
}
