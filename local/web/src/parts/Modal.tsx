// SPDX-License-Identifier: MIT
// A modal dialog: the browser's own, which keeps the focus inside, closes by Esc and gives the focus back.
import { useEffect, useId, useRef, type ReactNode } from "react";

interface Props {
  open: boolean;
  title: string;
  onClose: () => void;
  /** Buttons at the end. */
  actions: ReactNode;
  children: ReactNode;
}

export function Modal({ open, title, onClose, actions, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const element = dialog.current!;
    if (open && !element.open) element.showModal();
    if (!open && element.open) element.close();
  }, [open]);
  return (
    <dialog
      ref={dialog}
      className="modal"
      aria-labelledby={heading}
      onClose={onClose}
      onClick={(event) => event.target === event.currentTarget && onClose()}
      onKeyDown={(event) => event.stopPropagation()}
    >
      {open && (
        <div className="modal-box">
          <h2 id={heading}>{title}</h2>
          {children}
          <div className="modal-actions">{actions}</div>
        </div>
      )}
    </dialog>
  );
}
