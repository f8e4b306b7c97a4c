import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { useModal } from './modal.ts';
import './act-dialog.css';

/** A dialog to read. It opens when it is rendered. */
export const Dialog = ({
  title,
  isWide = false,
  onClose,
  children,
}: {
  readonly title: string;
  readonly isWide?: boolean;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}) => {
  const { ref: dialog, onClose: closed } = useModal(title, onClose);
  const titleId = useId();
  return (
    <dialog
      ref={dialog}
      class={isWide ? 'wide' : undefined}
      aria-labelledby={titleId}
      onClose={closed}
    >
      <h2 id={titleId}>{title}</h2>
      {children}
      <div class="acts">
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
    </dialog>
  );
};
