import type { Presented } from '../backends/backend-answer.ts';
import type { ChainView } from '../chain/observe-payments.ts';
import type { SettlementTask } from '../message.ts';
import type { BounceReason } from '../../protocol/payment.ts';

/** A task as a round left it. */
export type Seen<T extends SettlementTask> = {
  readonly task: T;
  readonly view: ChainView;
  /** Who was shown the payment last in this round, and what was said: whatever it was, the payment may have been sent. */
  readonly presented?: { readonly backend: string; readonly said: Presented };
  /** Our own node says that it cannot be presented now, through its payer. */
  readonly bounced?: BounceReason;
  /** Who surely did not present it, and why not. */
  readonly declined?: { readonly backend: string; readonly why: string };
};

/** How often a payment was worked on before: another try starts at another backend. */
export type Tried = { readonly attempts: number };

/** One payment, whoever brought it. */
export const keyOf = ({ network, look }: SettlementTask): string =>
  `${network} ${look.token} ${look.payer} ${look.nonce}`;
