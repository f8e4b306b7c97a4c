import { worded } from '../format/text.ts';
import './badge.css';

type Tone = 'ok' | 'warn' | 'bad' | 'plain';

/**
 * The tone of each state of an account, a call, a payment and an approval. Colour is never the only sign: mark and word show the state too.
 */
const TONES: Readonly<Record<string, Tone>> = {
  active: 'ok',
  working: 'ok',
  current: 'ok',
  settled: 'ok',
  proved: 'ok',
  committed: 'ok',
  accepted: 'ok',
  approved: 'ok',
  used: 'ok',
  delivered: 'ok',
  'in use': 'ok',
  ready: 'ok',
  open: 'warn',
  held: 'warn',
  bounded: 'warn',
  paused: 'warn',
  waiting: 'warn',
  kept: 'warn',
  offered: 'warn',
  retry: 'warn',
  'on trial': 'warn',
  unavailable: 'warn',
  failing: 'bad',
  faulty: 'bad',
  frozen: 'bad',
  revoked: 'bad',
  'no valid grant': 'bad',
  'account revoked': 'bad',
  failed: 'bad',
  abandoned: 'bad',
  refused: 'bad',
  disabled: 'bad',
  'not used': 'bad',
  denied: 'bad',
  broken: 'bad',
};

const MARKS: Readonly<Record<Tone, string>> = { ok: '●', warn: '◐', bad: '✕', plain: '○' };

/** A state, in the ledger's word for it. */
export const Badge = ({ state }: { readonly state: string }) => {
  const tone = TONES[state] ?? 'plain';
  return (
    <span class={`badge ${tone}`}>
      <span aria-hidden="true">{MARKS[tone]}</span> <span>{worded(state)}</span>
    </span>
  );
};
