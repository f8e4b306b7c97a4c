import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Id } from '../dashboard/parts/id.tsx';
import type { Wallet } from '../dashboard/session/wallet.ts';
import { explorerLink } from '../protocol/explorer.ts';
import type { PaymentRecord } from './payment-record.ts';
import { type OnChain, readPayment } from '../dashboard/payment/token-reads.ts';

const EVERY_MS = 5_000;

/** Watches a payment on its chain, through the wallet, until its money has moved. */
const useOnChain = (
  { network, payer, call, outcome }: PaymentRecord,
  wallet: Wallet | undefined,
): OnChain | undefined => {
  const [seen, setSeen] = useState<OnChain | undefined>(undefined);
  const isDone =
    outcome?.paid !== 'payment' ||
    outcome.transaction !== undefined ||
    (seen !== undefined && seen.is !== 'unused');
  useEffect(() => {
    if (isDone || wallet === undefined) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const look = async (): Promise<void> => {
      const found = document.hidden
        ? undefined
        : await readPayment(wallet.provider, network, payer, call);
      if (isOver) return;
      if (found !== undefined) setSeen(found);
      timer = setTimeout(() => void look(), EVERY_MS);
    };
    void look();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [isDone, wallet]);
  return seen;
};

/** When the money of a payment moves, or has moved; undefined for a call that moves none. */
export const useSettlement = (
  record: PaymentRecord,
  wallet: Wallet | undefined,
): ComponentChildren => {
  const seen = useOnChain(record, wallet);
  const { outcome, network } = record;
  if (outcome?.paid !== 'payment' || outcome.charged + outcome.credited === 0n) return undefined;
  if (seen?.is === 'cancelled') return 'The payer cancelled the payment on the chain.';
  const hash = outcome.transaction ?? (seen?.is === 'moved' ? seen.transaction : undefined);
  if (hash === undefined) {
    return seen?.is === 'used'
      ? 'The signature was used or cancelled on the chain.'
      : 'Accepted. The gateway moves the money later, together with other payments, usually within minutes. You need not wait.';
  }
  // No explorer shows the chain of a local stack.
  const link = record.wallet.startsWith('local:') ? undefined : explorerLink(network, hash);
  return (
    <>
      It has moved, in transaction <Id text={hash} label="the transaction" />
      {link === undefined ? null : (
        <>
          <br />
          <a href={link} target="_blank" rel="noopener noreferrer">
            See it on the explorer
          </a>
        </>
      )}
    </>
  );
};
