import type { ComponentChildren, ComponentType } from 'preact';
import { useState } from 'preact/hooks';
import { Notice } from '../notice.tsx';
import type { CreditDialogProps } from './credit-dialog.tsx';

/**
 * The dialog that buys credit for an account, for the page to render where it stays: the credit itself removes the notice, or the whole empty
 * page, that offered to buy some. Its code, which pays, is loaded with the first use.
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
      // The files of this page's build are gone after a deployment, or the connection is.
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
