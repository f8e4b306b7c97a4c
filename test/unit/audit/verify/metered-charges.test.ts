import { describe, expect, it } from 'vitest';
import { verify } from '../../../../src/audit/verify/index.ts';
import type { Entry, Json } from '../../../../src/protocol/entry.ts';
import { keptUpfront, METERED_MUTATIONS, meteredLog } from '../../../support/metered-log.ts';
import { fileOf, textOf } from '../../../support/verify-log.ts';

const findingsOf = async (entries: readonly Entry[]) => {
  const { checks } = await verify({ entries: [fileOf('log.ndjson', textOf(entries))] });
  return Object.fromEntries(checks.map((finding) => [finding.check, finding]));
};

describe('the charge of a metered call', () => {
  it('is proved for each rule that decides it, and so is its money', async () => {
    const log = meteredLog();
    const { prices, calls, payments } = await findingsOf(log);
    // Each acceptance, and the end of each call of a tool with a meter.
    expect(prices).toMatchObject({ verdict: 'proved', checked: log.length - 1 });
    expect(calls).toMatchObject({ verdict: 'proved' });
    expect(payments).toMatchObject({ verdict: 'bounded' });
  });

  it.each(METERED_MUTATIONS)('is broken by $name', async ({ call, change, reason, field }) => {
    const log = meteredLog(call, change);
    const changed = log.find((entry, at) => isChanged(entry, meteredLog()[at]));
    const { prices } = await findingsOf(log);
    expect(prices?.verdict).toBe('BROKEN');
    expect(prices?.first).toMatchObject({ reason, seq: changed?.seq });
    expect(prices?.first?.field).toBe(field);
  });

  it('allows no other rates if the gateway could not read what chooses them', async () => {
    const unread = (params: Json) => (entry: Entry) => ({
      ...entry,
      evidence: { ...entry.evidence, params },
    });
    for (const params of [{ model: { found: false } }, { model: null }]) {
      const { prices } = await findingsOf(meteredLog('complete', unread(params), 'call.accepted'));
      expect(prices?.first).toMatchObject({ reason: 'wrong_rates', field: 'outcome.rates' });
    }
  });

  it('stays with the operator if money that moved before is kept', async () => {
    const log = meteredLog('broken off, usage known at the end', keptUpfront);
    const { prices } = await findingsOf(log);
    expect(prices).toMatchObject({ verdict: 'proved' });
  });

  it('is not checked without the acceptance or the terms of its call', async () => {
    const log = meteredLog();
    const { prices } = await findingsOf(log.slice(1));
    expect(prices).toMatchObject({
      ...{ verdict: 'not checked', unchecked: 1 },
      note: 'the acceptance of a metered call is not in the files',
    });
    const textless = log.map((entry) => {
      const { document: _, ...evidence } = entry.evidence ?? {};
      return entry.type === 'call.accepted' ? { ...entry, evidence } : entry;
    });
    const found = await findingsOf(textless);
    // Twelve acceptances, and the ten ends that state usage.
    expect(found['prices']).toMatchObject({ verdict: 'not checked', unchecked: 22 });
  });
});

const isChanged = (entry: Entry, before: Entry | undefined): boolean =>
  JSON.stringify([entry.outcome, entry.amounts]) !==
  JSON.stringify([before?.outcome, before?.amounts]);
