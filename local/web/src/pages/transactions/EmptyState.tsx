// SPDX-License-Identifier: MIT
// What to do while nothing has arrived. Goes away by itself with the first item.
import { CopyButton } from "../../parts/CopyButton";
import type { Stats } from "../../api/types";

const kProgram = `#include <azmon/azmon.h>
#include <opentelemetry/trace/provider.h>

int main() {
  auto telemetry = azmon::Configure();
  auto tracer = opentelemetry::trace::Provider::GetTracerProvider()->GetTracer("hello");
  tracer->StartSpan("hello")->End();
}`;

/** A value as a word of a POSIX shell. */
const quote = (value: string) => `'${value.replaceAll("'", "'\\''")}'`;

/** @param level of the headings */
export function Setup({ stats, level }: { stats: Stats; level: 2 | 3 }) {
  const variables = `export APPLICATIONINSIGHTS_CONNECTION_STRING=${quote(stats.connectionString)}\nexport OTEL_EXPORTER_OTLP_ENDPOINT=${quote(stats.otlpHttp)}`;
  return (
    <>
      <Block title="Connection string" text={stats.connectionString} level={level} />
      <Block title="Environment: Azure Monitor and OTLP, either or both" text={variables} level={level} />
    </>
  );
}

function Block({ title, text, level }: { title: string; text: string; level: 2 | 3 }) {
  const Heading = `h${level}` as const;
  return (
    <section className="code-block">
      <header>
        <Heading>{title}</Heading>
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
      <Setup stats={stats} level={2} />
      <Block title="A program to try" text={kProgram} level={2} />
      <p className="quiet">
        Any Application Insights SDK works with the connection string, any OpenTelemetry SDK with OTLP: gRPC at <code>{stats.otlpGrpc}</code>, HTTP at{" "}
        <code>{stats.otlpHttp}</code>.
      </p>
    </div>
  );
}
