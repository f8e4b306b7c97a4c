import type { WireFault } from '../fault.ts';
import { CORRECT, FREE, type ProblemText, type Texts } from './problem-text.ts';
import { CORRECT_IT, RELOAD, type Words } from './words.ts';

/** The request is invalid before the gateway checks any proof. */
export type RequestReason =
  | { readonly reason: 'not_found' }
  /** `allow`: upper-case methods of the tools at this path. */
  | { readonly reason: 'method_not_allowed'; readonly allow: readonly string[] }
  | { readonly reason: 'malformed_request'; readonly field: string; readonly hint: string }
  | { readonly reason: 'not_canonical'; readonly hint: string }
  | { readonly reason: 'target_too_long'; readonly limit: number }
  | { readonly reason: 'body_too_large'; readonly limit: number }
  | { readonly reason: 'body_incomplete' }
  | { readonly reason: 'content_encoding' };

export const requestTexts: Texts<RequestReason> = {
  not_found: () => ({
    status: 404,
    title: 'Not found',
    detail: 'The gateway serves nothing at this path.',
    hint: `Check the path, including upper and lower case. ${FREE}`,
  }),
  method_not_allowed: ({ allow }) => ({
    status: 405,
    title: 'Method not allowed',
    detail: 'The gateway does not accept this method at this path.',
    hint: `Use ${allow.join(' or ')}. ${FREE}`,
    more: { field: 'method', allow },
    headers: { Allow: allow.join(', ') },
  }),
  malformed_request: ({ field, hint }) => ({
    status: 400,
    title: 'Malformed request',
    detail: `${field} ${hint}.`,
    hint: CORRECT,
    more: { field },
  }),
  not_canonical: ({ hint }) => ({
    status: 400,
    title: 'URL not canonical',
    detail: `The URL ${hint}.`,
    hint: `Send the path in its canonical form, and sign that same form. ${FREE}`,
    more: { field: 'target' },
  }),
  target_too_long: ({ limit }) => ({
    status: 414,
    title: 'URL too long',
    detail: `Path and query together are longer than ${limit} characters.`,
    hint: `Shorten the query, or send the data in the body. ${FREE}`,
    more: { field: 'target', limit },
  }),
  body_too_large: ({ limit }) => ({
    status: 413,
    title: 'Body too large',
    detail: `The body is larger than ${limit} bytes, the most that the gateway accepts at this path.`,
    hint: `Send a smaller body. ${FREE}`,
    more: { field: 'body', limit },
  }),
  body_incomplete: () => ({
    status: 400,
    title: 'Body incomplete',
    detail: 'The connection closed before the gateway received the whole body.',
    hint: `Send the same request again; a signature that it carries is still valid. ${FREE}`,
    more: { field: 'body' },
  }),
  content_encoding: () => ({
    status: 415,
    title: 'Content-Encoding not accepted',
    detail: 'The tool must receive exactly the bytes that the caller signs.',
    hint: `Send the body without Content-Encoding. ${FREE}`,
    more: { field: 'content-encoding' },
    headers: { 'Accept-Encoding': 'identity' },
  }),
};

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

export const requestWords: Words<RequestReason> = {
  not_found: {
    page: 'Reload the page. If it happens again, the gateway runs another release: tell the operator.',
    command:
      'Check the path, including upper and lower case: `countersign call /llms.txt` lists the tools of a gateway with their prices.',
  },
  method_not_allowed: RELOAD,
  malformed_request: CORRECT_IT,
  not_canonical: { page: 'Remove unusual characters from what you typed, then try again.' },
  target_too_long: { page: 'Make what you typed shorter, then try again.' },
  body_too_large: { page: 'Make what you typed or chose smaller, then try again.' },
  body_incomplete: { page: 'Check the connection, then try again.' },
  content_encoding: RELOAD,
};

export const wireWords: Words<WireFault> = {
  malformed_header: RELOAD,
  malformed_field: CORRECT_IT,
  unknown_field: CORRECT_IT,
  duplicate_header: RELOAD,
  too_large: { page: 'Make the value shorter, then try again.' },
  unsupported_version: RELOAD,
  unsupported_scheme: RELOAD,
  unsupported_network: { page: 'Choose a network that this gateway takes.' },
};
