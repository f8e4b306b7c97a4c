import { describe, expect, it, vi } from 'vitest';
import { CountersignError } from '../../../../../src/client/errors.ts';
import type { Management } from '../../../../../src/client/management.ts';
import {
  carryOn,
  type Change,
  type SentChange,
  type Settle,
} from '../../../../../src/dashboard/data/changes/sent-change.ts';

const signing = { name: 'signs' } as unknown as Management;
const reading = { name: 'reads' } as unknown as Management;

const lost = (type?: string) =>
  new CountersignError(
    'command_lost',
    'No answer.',
    type === undefined ? {} : { problem: { type } },
  );
const refused = new CountersignError('refused', 'No.');
const declined = new CountersignError('signer_failed', 'No.');

const sentOf = (state: SentChange['state'], ...answers: readonly unknown[]) => {
  const rest = [...answers];
  const change = vi.fn<Change>(async () => {
    const answer = rest.shift();
    if (answer instanceof Error) throw answer;
  });
  const settle = vi.fn<Settle>(async () => 'what is stored');
  return { change, settle, management: signing, state } satisfies SentChange;
};

describe('a change', () => {
  it('is done when the gateway answers, and then nothing is read', async () => {
    const sent = sentOf('new');
    expect(await carryOn(sent, reading)).toEqual({ is: 'done' });
    expect(sent.settle).not.toHaveBeenCalled();
  });

  it.each([declined, refused, new Error('incomplete')])(
    'that nothing can have come of may be corrected: %o',
    async (thrown) => {
      expect(await carryOn(sentOf('new', thrown), reading)).toEqual({ is: 'failed', thrown });
    },
  );

  it('whose answer is lost is repeated as it is, with the client that signed it', async () => {
    const first = sentOf('new', lost());
    const step = await carryOn(first, reading);
    expect(step).toMatchObject({ is: 'lost', sent: { state: 'lost', change: first.change } });
    if (step.is !== 'lost') throw new Error('not lost');
    expect(await carryOn(step.sent, reading)).toEqual({ is: 'done' });
    expect(first.change.mock.calls).toEqual([[signing], [signing]]);
  });

  it.each(['urn:countersign:problem:already-used', 'urn:countersign:problem:expired'])(
    'that is over is looked up instead of signed again: %s',
    async (type) => {
      for (const state of ['new', 'lost'] as const) {
        const sent = sentOf(state, lost(type));
        expect(await carryOn(sent, reading)).toEqual({ is: 'settled', found: 'what is stored' });
        expect(sent.settle.mock.calls).toEqual([[reading]]);
      }
    },
  );

  it('is looked up when its repeat is refused: the lost attempt may have made the reason', async () => {
    expect(await carryOn(sentOf('lost', refused), reading)).toMatchObject({ is: 'settled' });
  });

  it.each([declined, new TypeError('network')])(
    'stays in doubt when its repeat fails before the gateway has it: %o',
    async (thrown) => {
      expect(await carryOn(sentOf('lost', thrown), reading)).toMatchObject({
        is: 'lost',
        sent: { state: 'lost' },
      });
    },
  );

  it('that is over stays so while the stored state cannot be read, and is not sent again', async () => {
    const sent = sentOf('lost', lost('urn:countersign:problem:already-used'));
    sent.settle.mockRejectedValueOnce(new Error('away'));
    const step = await carryOn(sent, reading);
    expect(step).toMatchObject({ is: 'lost', sent: { state: 'over' } });
    if (step.is !== 'lost') throw new Error('not lost');
    expect(await carryOn(step.sent, reading)).toMatchObject({ is: 'settled' });
    expect(sent.change).toHaveBeenCalledTimes(1);
  });
});
