import type { ComponentChildren, ComponentType } from 'preact';
import { useState } from 'preact/hooks';
import { Notice } from '../notice.tsx';
import type { CreditDialogProps } from './credit-dialog.tsx';

/**
 * The dialog that buys credit for an account. The page must render it outside the notice or empty page that offers it, because new credit
 * removes those. Its code, which pays, is loaded with the first use.
 */
export const useCreditDialog = (
  props: Omit<CreditDialogProps, 'onClose'>,
): { readonly onBuy: () => void; readonly dialog: ComponentChildren } => {
  const [Dialog, setDialog] = useState<ComponentType<CreditDialogProps> | undefined>(undefined);
  const [isOpen, setOpen] = useState(false);
  const [isMissing, setMissing] = useState(false);
  const open = async (): Promise<void> => {
    try {
      const { CreditDialog } = await import('./credit-dialog.tsx');
      setDialog(() => CreditDialog);
      setOpen(true);
    } catch {
      // The connection is lost, or the files of this build are gone after a deployment.
      setMissing(true);
    }
  };
  return {
    onBuy: () => void open(),
    dialog: isMissing ? (
      <Notice tone="bad">The dialog did not load. Reload the page, then try again.</Notice>
    ) : isOpen && Dialog !== undefined ? (
      <Dialog {...props} onClose={() => setOpen(false)} />
    ) : null,
  };
};
