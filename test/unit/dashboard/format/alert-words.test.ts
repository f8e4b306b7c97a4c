import { expect, it } from 'vitest';
import { ALERT_GROUPS, alertText } from '../../../../src/dashboard/format/alert-words.ts';
import { ALERT_RULES } from '../../../../src/protocol/alert.ts';

it('offers the alerts of the gateway by groups', () => {
  const offered = ALERT_GROUPS.flatMap(({ alerts }) => alerts);
  expect(ALERT_GROUPS).toHaveLength(4);
  expect(offered).toHaveLength(ALERT_RULES.length);
});

it('says what a raised alert is about, also one that is newer than the page', () => {
  expect(['debt', 'new_alert'].map(alertText)).toEqual([
    'The credit of an account fell below zero.',
    'new alert',
  ]);
});
