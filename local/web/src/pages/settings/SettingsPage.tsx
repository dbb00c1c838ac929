// SPDX-License-Identifier: MIT
import { useEffect, useState } from "react";
import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  DialogTrigger,
  Radio,
  RadioGroup,
} from "@fluentui/react-components";
import { DeleteRegular } from "@fluentui/react-icons";
import { postReset } from "../../api/client";
import { useStats } from "../../api/queries";
import { Failure } from "../../app/Failure";
import { useTheme, type ThemeChoice } from "../../app/theme";
import { formatCount, parseTimestamp } from "../../logic/format";
import { Time } from "../../parts/parts";
import { Setup } from "../transactions/EmptyState";
import "../../styles/settings.css";

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
        <RadioGroup layout="horizontal" value={choice} onChange={(_, next) => setChoice(next.value as ThemeChoice)} aria-labelledby="settings-theme">
          <Radio value="system" label="As the system" />
          <Radio value="light" label="Light" />
          <Radio value="dark" label="Dark" />
        </RadioGroup>
      </section>
      {data !== undefined && (
        <>
          <section>
            <h2>Send telemetry here</h2>
            <Setup stats={data} />
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
    <Dialog open={open} onOpenChange={(_, data) => setOpen(data.open)}>
      <DialogTrigger disableButtonEnhancement>
        <Button icon={<DeleteRegular />} disabled={items === 0}>
          Delete all items…
        </Button>
      </DialogTrigger>
      <DialogSurface>
        <DialogBody>
          <DialogTitle>Delete all items?</DialogTitle>
          <DialogContent>
            <p>{formatCount(items)} items are removed for good, in every open tab. Programs may go on sending.</p>
            {error !== null && <Failure what="The items could not be deleted." error={error} />}
          </DialogContent>
          <DialogActions>
            <DialogTrigger disableButtonEnhancement>
              <Button>Keep them</Button>
            </DialogTrigger>
            <Button appearance="primary" onClick={reset}>
              Delete
            </Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
