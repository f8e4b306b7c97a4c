import { fleet } from '../../../src/client/index.ts';
import { agentOf, offer, scripted, URL_OF_TOOL } from './server.ts';
import { mnemonicToAccount } from 'viem/accounts';
import { describe, expect, it } from 'vitest';

const MNEMONIC = 'test test test test test test test test test test test junk';

describe('fleet', () => {
  it('derives every agent with hardened steps only', () => {
    const agents = fleet(MNEMONIC, { organisation: 7 });
    const wanted = mnemonicToAccount(MNEMONIC, { path: "m/44'/60'/7'/0'/3'" });
    expect(agents.agent(3).address).toBe(wanted.address);
    expect(fleet(MNEMONIC).agent(0).address).not.toBe(mnemonicToAccount(MNEMONIC).address);
    expect(agents.agent(2 ** 31 - 1).address).not.toBe(agents.agent(0).address);
  });

  it.each([-1, 1.5, 2 ** 31, Number.NaN])('rejects %d as an index', (number) => {
    expect(() => fleet(MNEMONIC).agent(number)).toThrow('index');
    expect(() => fleet(MNEMONIC, { organisation: number })).toThrow('organisation');
  });

  it('signs with the derived account', async () => {
    const server = scripted(
      () => offer(),
      () => new Response('ok'),
    );
    const answer = await agentOf(server, { account: fleet(MNEMONIC).agent(1) }).fetch(URL_OF_TOOL);
    expect(answer.countersign.paid).toBe('payment');
  });
});
