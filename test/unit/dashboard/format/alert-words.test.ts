import { expect, it } from 'vitest';
import { ALERT_GROUPS, alertText } from '../../../../src/dashboard/format/alert-words.ts';
import { ALERT_RULES } from '../../../../src/protocol/alert.ts';

it('offers every alert of the gateway in exactly one group', () => {
  const offered = ALERT_GROUPS.flatMap(({ alerts }) => alerts.map(([rule]) => rule));
  expect(offered.toSorted()).toEqual([...ALERT_RULES].toSorted());
});

it('says what a raised alert is about, also one that is newer than the page', () => {
  expect(['debt', 'new_alert'].map(alertText)).toEqual([
    'The credit of an account fell below zero.',
    'new alert',
  ]);
});
