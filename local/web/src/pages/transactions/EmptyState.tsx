// SPDX-License-Identifier: MIT
// What to do while nothing has arrived. Goes away by itself with the first item.
import { CopyButton } from "../../parts/CopyButton";
import type { Stats } from "../../api/types";

export const kProgram = `#include <azmon/azmon.h>
#include <opentelemetry/trace/provider.h>

int main() {
  auto telemetry = azmon::Configure();
  auto tracer = opentelemetry::trace::Provider::GetTracerProvider()->GetTracer("hello");
  tracer->StartSpan("hello")->End();
}`;

/** A value as a word of a POSIX shell. */
export const quote = (value: string) => `'${value.replaceAll("'", "'\\''")}'`;

export function Setup({ stats }: { stats: Stats }) {
  const variables = `export APPLICATIONINSIGHTS_CONNECTION_STRING=${quote(stats.connectionString)}\nexport OTEL_EXPORTER_OTLP_ENDPOINT=${quote(stats.otlpHttp)}`;
  return (
    <>
      <Block title="Connection string" text={stats.connectionString} />
      <Block title="Environment: Azure Monitor and OTLP, either or both" text={variables} />
    </>
  );
}

export function Block({ title, text }: { title: string; text: string }) {
  return (
    <section className="code-block">
      <header>
        <h3>{title}</h3>
        <CopyButton text={text} label={`Copy: ${title}`} />
      </header>
      <pre tabIndex={0} aria-label={title}>
        {text}
      </pre>
    </section>
  );
}

export function EmptyState({ stats }: { stats: Stats }) {
  return (
    <div className="empty">
      <h1>
        <span className="waiting-dot" aria-hidden /> Waiting for the first item
      </h1>
      <p>Send telemetry here and it shows up within a second. Nothing leaves this machine.</p>
      <Setup stats={stats} />
      <Block title="A program to try" text={kProgram} />
      <p className="quiet">
        Any Application Insights SDK works with the connection string, any OpenTelemetry SDK with OTLP: gRPC at <code>{stats.otlpGrpc}</code>, HTTP at{" "}
        <code>{stats.otlpHttp}</code>.
      </p>
    </div>
  );
}
