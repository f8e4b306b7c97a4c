import type { WireFault } from '../fault.ts';
import { CORRECT, FREE, type ProblemText, type Texts } from './problem-text.ts';

const malformed = ({ field, hint }: WireFault): ProblemText => ({
  status: 400,
  title: 'Malformed request',
  detail: `${field} ${hint}.`,
  hint: CORRECT,
  more: { field },
});

const unsupported = ({ field, hint }: WireFault): ProblemText => ({
  status: 400,
  ...alternativeTo(field),
  detail: `${field} ${hint}.`,
  more: { field },
});

/** Hints that name the supported version of a document, an intent or a payment. */
const alternativeTo = (field: string): Pick<ProblemText, 'title' | 'hint'> => {
  if (field.startsWith('body')) return { title: 'Not supported', hint: CORRECT };
  return /^agent-intent/i.test(field)
    ? {
        title: 'Unsupported intent',
        hint: `Sign an intent in a version, and for a chain, that the gateway supports. ${FREE}`,
      }
    : {
        title: 'Unsupported payment',
        hint: `Send the request without a payment, then pay one entry of \`accepts\` in the answer. ${FREE}`,
      };
};

/** The gateway cannot read a header or a body. */
export const wireTexts: Texts<WireFault> = {
  malformed_header: malformed,
  malformed_field: malformed,
  unknown_field: malformed,
  duplicate_header: malformed,
  too_large: ({ field, hint }) => ({
    status: 431,
    title: 'Header too large',
    detail: `${field} ${hint}.`,
    hint: `Send a shorter header. ${FREE}`,
    more: { field },
  }),
  unsupported_version: unsupported,
  unsupported_scheme: unsupported,
  unsupported_network: unsupported,
};
