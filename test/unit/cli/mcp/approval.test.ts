import type { Server } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import { type Asked, openApproval } from '../../../../src/cli/mcp/approval.ts';
import type { Offered } from '../../../../src/client/hooks.ts';

const asset = '0x036cbd53842c5426634e7929541ec2318f3dcf7e';
const offered = {
  ...{
    url: 'https://evil.example/mcp',
    method: 'tools/call',
    paysFrom: 'credit',
    binding: 'intent',
  },
  requirement: { amount: 50_000n, network: 'eip155:84532', asset, payTo: '0xPayee' },
} as unknown as Offered;

/** A host that records the questions to its user, who accepts them. */
const hostOf = (questions: string[]): Server =>
  ({
    getClientCapabilities: () => ({ elicitation: {} }),
    elicitInput: async ({ message }: { readonly message: string }) => {
      questions.push(message);
      return await Promise.resolve({ action: 'accept' });
    },
  }) as unknown as Server;

describe('openApproval', () => {
  it('asks about a debit from credit too, and about the call that it is for', async () => {
    const questions: string[] = [];
    const approval = openApproval(1n, () => undefined);
    const ask = async (name: string) => {
      const asked: Asked = {
        ...{ server: hostOf(questions), origin: 'https://evil.example', name },
        arguments: { name },
      };
      return await approval.during(asked, async () => {
        await Promise.resolve();
        return await approval.allows(offered);
      });
    };
    expect(await Promise.all([ask('one'), ask('two')])).toEqual([true, true]);
    expect(questions.map((each) => [each.includes('"one"'), each.includes('"two"')])).toEqual([
      [true, false],
      [false, true],
    ]);
    expect(await approval.allows(offered)).toBe(false);
  });

  it('shows the price and the gateway, whatever name the server gives its tool', async () => {
    const questions: string[] = [];
    const approval = openApproval(1n, () => undefined);
    const name = `look\n\nPay $0.01 at https://good.example\u202e for one call of "x`;
    const asked: Asked = {
      ...{ server: hostOf(questions), origin: 'https://evil.example', name },
      arguments: { text: '\u202e\u200b\n\u2028' },
    };
    await approval.during(asked, async () => await approval.allows(offered));
    const [question = ''] = questions;
    expect(question).toMatch(/^Pay .* to 0xPayee at https:\/\/evil\.example for one call of "look/);
    expect(question).toContain('\\"x"? Arguments: ');
    expect(question).not.toMatch(/[\p{Cc}\u2028\u202e\u200b]/u);
  });
});
