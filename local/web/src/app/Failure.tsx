// SPDX-License-Identifier: MIT
import { Button } from "@fluentui/react-components";
import { ArrowClockwiseRegular, ErrorCircleRegular } from "@fluentui/react-icons";
import { Link } from "@tanstack/react-router";
import { ApiError } from "../api/client";

/** What failed, why, what to do, and a button to try again. */
export function Failure({ what, error, onRetry }: { what: string; error: unknown; onRetry?: () => void }) {
  const why = error instanceof Error ? error.message : String(error);
  const hint = error instanceof ApiError ? error.hint : "Reload the page.";
  return (
    <div className="failure" role="alert">
      <ErrorCircleRegular className="failure-icon" aria-hidden />
      <div>
        <h2>{what}</h2>
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
        <h2>There is no such page.</h2>
        <p>
          <Link to="/">Go to the transactions</Link>
        </p>
      </div>
    </div>
  );
}
