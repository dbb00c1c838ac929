// SPDX-License-Identifier: MIT
import { Button } from "@fluentui/react-components";
import { Modal } from "../../parts/Modal";

const kKeys: readonly [string[], string][] = [
  [["↑", "↓"], "Row before, row after"],
  [["PgUp", "PgDn"], "A screen up, down"],
  [["Home", "End"], "First row, last row"],
  [["←", "→"], "Fold or go to the parent; unfold or go to the first child; on a log or an exception: its text or stack"],
  [["*"], "Unfold everything"],
  [["Enter"], "Details of the row"],
  [["Esc"], "Close the details"],
  [["e", "E"], "Next error, error before"],
  [["Ctrl F"], "Find in this transaction"],
  [["n", "N"], "Next match, match before"],
  [["+", "−", "0"], "Zoom in, out, to the whole"],
  [["Ctrl wheel"], "Zoom at the pointer; Shift wheel moves"],
  [["/"], "Search the transactions"],
  [["?"], "This list"],
];

export function KeysDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Modal open={open} title="Keys" onClose={onClose} actions={<Button onClick={onClose}>Close</Button>}>
      <dl className="keys">
        {kKeys.map(([keys, what]) => (
          <div key={what}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
