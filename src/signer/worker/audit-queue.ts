import { auditDeadLetter, consumeAudit } from '../../audit/consumer.ts';
import { nowSeconds } from '../../core/clock.ts';
import { consumeDeadLetters } from '../../settlement/dead-letter.ts';
import type { SignerEnv } from '../env.ts';
import { objectOf } from '../../protocol/jurisdiction.ts';

/** Stores the entries of keyrings in the signer's own D1, as a gateway does, and records messages that can never be stored. */
export const onAuditBatch = async (batch: MessageBatch, env: SignerEnv): Promise<void> => {
  const now = nowSeconds();
  if (batch.queue.endsWith('-dead')) {
    await consumeDeadLetters(batch, env.AUDIT_DB, auditDeadLetter, now);
    return;
  }
  await consumeAudit(
    batch,
    {
      db: env.AUDIT_DB,
      account: (owner) => ({
        exported: (seq) => objectOf(env, env.KEYRING, owner).exported(seq),
        document: async () => ({ verdict: 'unknown' }),
      }),
      projectDocument: () => [],
    },
    now,
  );
};
