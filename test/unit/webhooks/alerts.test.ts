import { env } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import type { AlertBody } from '../../../src/protocol/alert.ts';
import { configOf } from '../../support/deployed.ts';
import { gatewayAccount } from '../../../src/config/config.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import { openBackendAlert } from '../../../src/webhooks/alerts.ts';
import { settlingOf } from '../../../src/worker/settling.ts';

const NOW = 1_800_000_000;
const SELF: AccountId = `eip155:84532:0x${'11'.repeat(20)}`;
const REJECTED = {
  event: 'backend_rejects_bound',
  network: 'eip155:84532',
  backend: 'x402.example',
  error: 'invalid_exact_evm_payload_authorization_valid_after',
} as const;
const ALERT: AlertBody = {
  rule: 'backend',
  detail: {
    network: 'eip155:84532',
    backend: 'x402.example',
    kind: 'rejects_bound',
    error: 'invalid_exact_evm_payload_authorization_valid_after',
  },
};

describe('the alert that a backend rejects bound payments', () => {
  const opened = (answers: readonly boolean[] = []) => {
    const raised: [AccountId, AlertBody][] = [];
    const alert = openBackendAlert(SELF, async (account, body) => {
      raised.push([account, body]);
      return answers[raised.length - 1] ?? true;
    });
    return { alert, raised };
  };

  test("is raised in the gateway's account, once an hour per backend", async () => {
    const { alert, raised } = opened();
    for (const at of [NOW, NOW + 1, NOW + 3_599]) await alert(REJECTED, at);
    expect(raised).toEqual([[SELF, ALERT]]);
    await alert({ ...REJECTED, backend: 'other.example' }, NOW);
    await alert({ ...REJECTED, network: 'eip155:8453' }, NOW);
    await alert(REJECTED, NOW + 3_600);
    expect(raised).toHaveLength(4);
  });

  test('is raised with the next event if the account did not answer', async () => {
    const { alert, raised } = opened([false]);
    await alert(REJECTED, NOW);
    await alert(REJECTED, NOW + 1);
    await alert(REJECTED, NOW + 2);
    expect(raised).toHaveLength(2);
  });

  test('is raised by settlement events of requests and of the queue', async () => {
    const applied: unknown[] = [];
    const namespace = {
      getByName: (account: string) => ({
        apply: async (order: unknown) => {
          applied.push([account, order]);
          return { verdict: 'applied', changed: true, told: [], silent: [] };
        },
      }),
    };
    const config = configOf(env as Env);
    if (!config.ok) throw new Error('no configuration');
    const watched = { ...env, AGENT_ACCOUNT: namespace } as unknown as Env;
    vi.spyOn(console, 'error').mockReturnValue();
    const { emit } = settlingOf(watched, config.value);
    emit({ event: 'backend_circuit', network: 'eip155:84532', backend: 'x', state: 'open' });
    emit(REJECTED);
    await vi.waitFor(() => expect(applied).toHaveLength(1), { timeout: 30_000 });
    expect(applied).toEqual([[gatewayAccount(config.value), { kind: 'alert', alert: ALERT }]]);
  });
});
