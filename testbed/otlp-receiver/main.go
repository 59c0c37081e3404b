// Command otlp-receiver is the OTLP receiver of the OpenTelemetry Collector, with a file behind it: each request that
// it decoded is one line of OTLP's JSON.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"go.opentelemetry.io/collector/client"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
)

var (
	grpc   = flag.String("grpc", "", "address for gRPC")
	web    = flag.String("http", "", "address for HTTP")
	out    = flag.String("out", "", "the file that gets the lines")
	delay  = flag.Duration("delay", 0, "how long each answer takes")
	cert   = flag.String("cert", "", "certificate of the server; TLS is on when it is given")
	key    = flag.String("key", "", "its key")
	ca     = flag.String("client-ca", "", "authority of the clients' certificates, which are then asked for")
	header = flag.String("header", "", "name of a header whose value is written before the line")
)

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "otlp-receiver:", err)
		os.Exit(1)
	}
}

func run() error {
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	file, err := os.OpenFile(*out, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()

	var lines sync.Mutex
	take := func(ctx context.Context, metrics pmetric.Metrics) error {
		select {
		case <-time.After(*delay):
		case <-ctx.Done():
			return ctx.Err()
		}
		line, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(metrics)
		if err != nil {
			return err
		}
		lines.Lock()
		defer lines.Unlock()
		if *header != "" {
			for _, value := range client.FromContext(ctx).Metadata.Get(*header) {
				fmt.Fprintf(file, "{\"header\":%q}\n", value)
			}
		}
		_, err = fmt.Fprintf(file, "%s\n", line)
		return err
	}
	next, err := consumer.NewMetrics(take)
	if err != nil {
		return err
	}

	factory := otlpreceiver.NewFactory()
	config := factory.CreateDefaultConfig()
	if err := confmap.NewFromStringMap(settings()).Unmarshal(&config); err != nil {
		return err
	}
	settings := receiver.Settings{
		ID:                component.NewID(factory.Type()),
		TelemetrySettings: componenttest.NewNopTelemetrySettings(),
		BuildInfo:         component.NewDefaultBuildInfo(),
	}
	otlp, err := factory.CreateMetrics(stop, settings, config, next)
	if err != nil {
		return err
	}
	if err := otlp.Start(stop, componenttest.NewNopHost()); err != nil {
		return err
	}
	fmt.Println("ready")
	<-stop.Done()
	// An answer that is being delayed must not hold up the end.
	ending, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := otlp.Shutdown(ending); err != nil && err != http.ErrServerClosed {
		return err
	}
	return nil
}

func settings() map[string]any {
	protocols := map[string]any{}
	for protocol, address := range map[string]string{"grpc": *grpc, "http": *web} {
		if address == "" {
			continue
		}
		protocol_ := map[string]any{"endpoint": address, "include_metadata": true}
		if *cert != "" {
			tls := map[string]any{"cert_file": *cert, "key_file": *key}
			if *ca != "" {
				tls["client_ca_file"] = *ca
			}
			protocol_["tls"] = tls
		}
		protocols[protocol] = protocol_
	}
	return map[string]any{"protocols": protocols}
}
