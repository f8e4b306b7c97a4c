import { expect, it } from 'vitest';
import { ALERT_GROUPS } from '../../../../src/dashboard/format/alert-words.ts';
import { ALERT_RULES } from '../../../../src/protocol/alert.ts';

it('offers every alert of the gateway in exactly one group', () => {
  const offered = ALERT_GROUPS.flatMap(({ alerts }) => alerts.map(([rule]) => rule));
  expect(offered.toSorted()).toEqual([...ALERT_RULES].toSorted());
});
