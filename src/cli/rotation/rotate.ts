import type { Command } from '../lib/command.ts';
import { usageError } from '../lib/errors.ts';
import { rotateAgent } from './rotate-agent.ts';
import { rotateLogKey } from './rotate-log-key.ts';
import { rotateOperator } from './rotate-operator.ts';
import { rotateOwner } from './rotate-owner.ts';
import { rotateReceiptKey } from './rotate-receipt-key.ts';
import { rotateRelayer } from './rotate-relayer.ts';

const ROTATE = {
  agent: rotateAgent,
  owner: rotateOwner,
  operator: rotateOperator,
  log: rotateLogKey,
  receipt: rotateReceiptKey,
  relayer: rotateRelayer,
} as const;
const KINDS = ['agent', 'owner', 'operator', 'receipt', 'relayer', 'log'] as const;

export const rotate: Command = {
  summary: 'replace a key by a new one; run it again for each next step',
  arguments: [
    { syntax: '<kind>', summary: 'which kind of key', choices: KINDS },
    { syntax: '[old]', summary: 'the old key: its name, address, `kid` or id' },
  ],
  options: [
    { flags: '--to <new>', summary: 'the new key; of an agent it is made if it does not exist' },
    { flags: '--overlap <duration>', summary: 'how long both keys of an agent live (default: 1d)' },
    {
      flags: '--allowance <amount>',
      summary: 'what the old key may spend meanwhile (default: a tenth of what remains)',
    },
    { flags: '--finish', summary: 'end the overlap now' },
    { flags: '--dry-run', summary: 'print what would happen; change nothing' },
  ],
  shared: ['gateway', 'signer'],
  examples: [
    'countersign keys rotate agent team/alice --as treasury',
    'countersign keys rotate agent team/alice --as treasury --finish',
    'countersign keys rotate relayer 0x… --to 0x… --as admin',
  ],
  run: async (session, input) => {
    const kind = KINDS.find((each) => each === input.arguments[0]);
    if (kind === undefined)
      throw usageError('That is not a kind of key.', `Give one of ${KINDS.join(', ')}.`);
    await ROTATE[kind](session, input);
  },
};
