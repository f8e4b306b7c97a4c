import { expect, it } from 'vitest';
import { disabledWebhooks } from '../../../../../src/dashboard/data/overview/matter.ts';

const inStates = (active: number, disabled: number) => [
  ...Array.from({ length: active }, () => ({ state: 'active' as const })),
  ...Array.from({ length: disabled }, () => ({ state: 'disabled' as const })),
];

it.each([
  [5, 0, []],
  [5, 1, ['1 webhook is disabled: the gateway sends it no alerts']],
  [150, 2, ['2 webhooks are disabled: the gateway sends them no alerts']],
])('counts exactly the disabled ones: of %d active and %d disabled', (active, disabled, texts) => {
  const matters = disabledWebhooks(inStates(active, disabled));
  expect(matters.map(({ text }) => text)).toEqual(texts);
  expect(matters.every(({ href }) => href === '/settings')).toBe(true);
});
