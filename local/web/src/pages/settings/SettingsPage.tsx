// SPDX-License-Identifier: MIT
import { useEffect, useState } from "react";
import { Button } from "@fluentui/react-components";
import { DeleteRegular } from "@fluentui/react-icons";
import { postReset } from "../../api/client";
import { useStats } from "../../api/queries";
import { Failure } from "../../app/Failure";
import { useTheme, type ThemeChoice } from "../../app/theme";
import { formatCount, parseTimestamp, plural } from "../../logic/format";
import { Modal } from "../../parts/Modal";
import { Time } from "../../parts/parts";
import { Setup } from "../transactions/EmptyState";
import "../../styles/settings.css";

const kThemes: readonly [ThemeChoice, string][] = [
  ["system", "As the system"],
  ["light", "Light"],
  ["dark", "Dark"],
];

export function SettingsPage() {
  const stats = useStats();
  const { choice, setChoice } = useTheme();
  useEffect(() => {
    document.title = "Settings · azmon-local";
  }, []);
  if (stats.error !== null && stats.data === undefined)
    return <Failure what="The state of the server could not be read." error={stats.error} onRetry={() => void stats.refetch()} />;
  const data = stats.data;
  return (
    <div className="settings">
      <h1>Settings</h1>
      <section aria-labelledby="settings-theme">
        <h2 id="settings-theme">Theme</h2>
        <div className="segments" role="radiogroup" aria-labelledby="settings-theme">
          {kThemes.map(([value, text]) => (
            <label key={value}>
              <input type="radio" name="theme" value={value} checked={choice === value} onChange={() => setChoice(value)} />
              {text}
            </label>
          ))}
        </div>
      </section>
      {data !== undefined && (
        <>
          <section>
            <h2>Send telemetry here</h2>
            <Setup stats={data} level={3} />
          </section>
          <section>
            <h2>Stored</h2>
            <dl className="facts">
              <Fact name="Transactions" value={formatCount(data.transactions)} />
              <Fact name="Items" value={formatCount(data.items)} />
              <Fact name="Items by Breeze" value={formatCount(data.bySource.breeze ?? 0)} />
              <Fact name="Items by OTLP" value={formatCount(data.bySource.otlp ?? 0)} />
              <Fact name="Items refused" value={formatCount(data.rejected)} />
            </dl>
            <ResetButton items={data.items} />
          </section>
          {(data.applications?.length ?? 0) > 0 && (
            <section>
              <h2>Applications</h2>
              <dl className="facts">
                {data.applications!.map((app) => (
                  <Fact key={app.iKey} name={app.iKey} value={formatCount(app.items)} />
                ))}
              </dl>
            </section>
          )}
          <section>
            <h2>About</h2>
            <dl className="facts">
              <Fact name="azmon-local" value={data.version} />
              <div>
                <dt>Running since</dt>
                <dd>
                  <Time at={parseTimestamp(data.startedAt)} now={Date.now()} />
                </dd>
              </div>
              <Fact name="OTLP/gRPC" value={data.otlpGrpc} />
              <Fact name="OTLP/HTTP" value={data.otlpHttp} />
            </dl>
            <p>
              <a href="/third-party.txt">Licences of the parts of this page that others wrote</a>
            </p>
          </section>
        </>
      )}
    </div>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function ResetButton({ items }: { items: number }) {
  const [error, setError] = useState<unknown>(null);
  const [open, setOpen] = useState(false);
  const reset = () => {
    setError(null);
    postReset().then(() => setOpen(false), setError);
  };
  return (
    <>
      <Button icon={<DeleteRegular />} disabled={items === 0} onClick={() => setOpen(true)}>
        Delete all items…
      </Button>
      <Modal
        open={open}
        title="Delete all items?"
        onClose={() => setOpen(false)}
        actions={
          <>
            <Button onClick={() => setOpen(false)}>Keep them</Button>
            <Button appearance="primary" onClick={reset}>
              Delete
            </Button>
          </>
        }
      >
        <p>{plural(items, "item")} will be removed for good, in every open tab. Programs may go on sending.</p>
        {error !== null && <Failure what="The items could not be deleted." error={error} level={3} />}
      </Modal>
    </>
  );
}
