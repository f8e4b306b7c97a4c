import { expect, test } from 'vitest';
import { withNextStep } from '../../../../src/cli/mcp/texts.ts';

test('a denial names the account as this machine does, and the command of its owner', () => {
  const account = `eip155:84532:0x${'01'.repeat(20)}`;
  const denied = {
    isError: true,
    content: [],
    structuredContent: {
      type: 'urn:countersign:problem:denied',
      ...{ rule: 'per_call', account, price: '50000', limit: '10000', tool: 'report' },
    },
  };
  const text = JSON.stringify(withNextStep(denied, () => 'team/alice').content);
  expect(text).toContain('`countersign policy set team/alice --per-call 0.05`');
  expect(withNextStep({ ...denied, isError: false }, () => undefined).content).toEqual([]);
});
