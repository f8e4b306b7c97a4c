import type { Authorization } from '../../src/protocol/payment.ts';
import type { Pending } from '../../src/settlement/relayer/pending.ts';
import type { Noun } from '../store/noun.ts';

type Stored = Omit<Pending, 'authorization' | 'charge'> & {
  readonly charge?: string;
  readonly authorization: Omit<Authorization, 'value' | 'validAfter' | 'validBefore'> &
    Readonly<Record<'value' | 'validAfter' | 'validBefore', string>>;
};

/** A payment that the relayer took. Which transaction carries it is stored with that transaction. */
export const PENDING: Noun<Pending> = {
  name: 'pending',
  key: ({ key }) => key,
  encode: ({ authorization, charge, ...pending }) =>
    JSON.stringify({
      ...pending,
      ...(charge === undefined ? {} : { charge: charge.toString() }),
      authorization: {
        ...authorization,
        value: authorization.value.toString(),
        validAfter: authorization.validAfter.toString(),
        validBefore: authorization.validBefore.toString(),
      },
    } satisfies Stored),
  decode: (text) => {
    const { authorization, charge, ...pending } = JSON.parse(text) as Stored;
    return {
      ...pending,
      ...(charge === undefined ? {} : { charge: BigInt(charge) }),
      authorization: {
        ...authorization,
        value: BigInt(authorization.value),
        validAfter: BigInt(authorization.validAfter),
        validBefore: BigInt(authorization.validBefore),
      },
    };
  },
};
