export const DESCRIPTION_PATH = '/.well-known/agent-intent';

/** Where a refused client reads how to sign. */
export const descriptionUrl = (audience: string): string => audience + DESCRIPTION_PATH;
