// Command forward listens here, and connects in another network namespace: what comes to the one address goes on to the
// other. It lets the host reach an API server whose namespace has no way to the host.
//
//	forward LISTEN NAMESPACE TARGET
package main

import (
	"io"
	"log"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: forward LISTEN NAMESPACE TARGET, such as forward 127.0.0.1:6443 /run/netns/other 127.0.0.1:6443")
	}
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	namespace, err := os.Open(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	for {
		client, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(client.(*net.TCPConn), namespace, os.Args[3])
	}
}

func serve(client *net.TCPConn, namespace *os.File, target string) {
	defer client.Close()
	server, err := dial(namespace, target)
	if err != nil {
		log.Print(err)
		// A reset, as if nobody listened: for who waits for the API server, that is the news.
		client.SetLinger(0)
		return
	}
	defer server.Close()
	done := make(chan struct{})
	go func() {
		pass(server, client)
		close(done)
	}()
	pass(client, server)
	<-done
}

// A socket belongs to the namespace of the thread that made it.
func dial(namespace *os.File, target string) (*net.TCPConn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	results := make(chan result)
	go func() {
		// Never unlocked: the thread ends with the goroutine, and nobody else gets into the namespace by accident.
		runtime.LockOSThread()
		if err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET); err != nil {
			results <- result{nil, err}
			return
		}
		conn, err := net.Dial("tcp", target)
		results <- result{conn, err}
	}()
	dialed := <-results
	if dialed.err != nil {
		return nil, dialed.err
	}
	return dialed.conn.(*net.TCPConn), nil
}

// One direction, to its end: the other may go on.
func pass(to, from *net.TCPConn) {
	if _, err := io.Copy(to, from); err != nil {
		to.SetLinger(0)
		to.Close()
		from.Close()
		return
	}
	to.CloseWrite()
}
