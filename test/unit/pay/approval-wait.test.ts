import { describe, expect, it } from 'vitest';
import type { Signer, TypedData } from '../../../src/client/signer.ts';
import { approvalWait } from '../../../src/pay/approval-wait.ts';

const DATA: TypedData = {
  domain: { name: 'AgentIntent', version: '1', chainId: 84_532 },
  types: {},
  primaryType: 'AgentIntent',
  message: {},
} as unknown as TypedData;
const DECLINED = { code: 4001 };

const signerOf = (signTypedData: Signer['signTypedData']): Signer => ({
  address: `0x${'aa'.repeat(20)}`,
  signTypedData,
});

describe('the wait for an approval', () => {
  it('ends when the wallet declines a question about the call', async () => {
    const wait = approvalWait(
      signerOf(() => Promise.reject(DECLINED as unknown as Error)),
      () => undefined,
    );
    wait.begin();
    await expect(wait.signer.signTypedData(DATA)).rejects.toBe(DECLINED);
    expect(wait.signal.aborted).toBe(true);
    expect(wait.signal.reason).toBe(DECLINED);
  });

  it('does not turn a declined payment into a call that may have run', async () => {
    const wait = approvalWait(
      signerOf(() => Promise.reject(DECLINED as unknown as Error)),
      () => undefined,
    );
    await expect(wait.signer.signTypedData(DATA)).rejects.toBe(DECLINED);
    expect(wait.signal.aborted).toBe(false);
  });

  it('goes on while the wallet signs', async () => {
    let signed = 0;
    const wait = approvalWait(
      signerOf(() => Promise.resolve('0x01')),
      () => (signed += 1),
    );
    await wait.signer.signTypedData(DATA);
    wait.begin();
    await wait.signer.signTypedData(DATA);
    expect(wait.signal.aborted).toBe(false);
    expect(signed).toBe(1);
  });
});
