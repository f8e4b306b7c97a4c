import type { Stage } from '../dashboard/payment/chosen-wallet.ts';

const WORDS: Readonly<Record<Stage, (network: string) => string>> = {
  account: () => 'Open the wallet and choose an account.',
  network: (network) => `Open the wallet and switch it to ${network}.`,
  signature: () => 'Open the wallet and confirm the signature.',
  answer: () => 'Signed. Waiting for the answer.',
  'look-up': () => 'Open the wallet and confirm the look-up, which costs nothing.',
  approval: () =>
    'A person must approve calls like this one. Keep this page open: the call runs once it is approved. The wallet asks for a signature each time this page looks for the approval. Decline it to stop waiting.',
};

/** The current step of a call, read aloud when it changes. */
export const StageLine = ({
  stage,
  network,
  note,
}: {
  readonly stage: Stage | undefined;
  readonly network: string;
  /** Shown while the page waits for nothing. */
  readonly note: string;
}) => (
  <p class="stage" role="status">
    {stage === undefined ? note : WORDS[stage](network)}
  </p>
);
