// SPDX-License-Identifier: MIT
import { Button } from "@fluentui/react-components";
import { ArrowClockwiseRegular, ErrorCircleRegular } from "@fluentui/react-icons";
import { Link } from "@tanstack/react-router";
import { ApiError } from "../api/client";

interface Props {
  what: string;
  error: unknown;
  onRetry?: () => void;
  /** Heading level: 1 where it stands for the page, more inside of one. */
  level?: 1 | 3;
}

/** What failed, why, what to do, and a button to try again. */
export function Failure({ what, error, onRetry, level = 1 }: Props) {
  const Heading = `h${level}` as const;
  const why = error instanceof Error ? error.message : String(error);
  const hint = error instanceof ApiError ? error.hint : "Reload the page.";
  return (
    <div className="failure" role="alert">
      <ErrorCircleRegular className="failure-icon" aria-hidden />
      <div>
        <Heading>{what}</Heading>
        <p>{why}</p>
        <p className="quiet">{hint}</p>
        {onRetry !== undefined && (
          <Button icon={<ArrowClockwiseRegular />} onClick={onRetry}>
            Try again
          </Button>
        )}
      </div>
    </div>
  );
}

export function NotFound() {
  return (
    <div className="failure">
      <div>
        <h1>There is no such page.</h1>
        <p>
          <Link to="/">Go to the transactions</Link>
        </p>
      </div>
    </div>
  );
}
