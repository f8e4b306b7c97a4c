import { expect } from 'vitest';
import { type Problem, readProblem } from './offer.ts';

/** Expects a status, and shows the body of any other answer. */
const expectStatus = async (
  answer: Response | Promise<Response>,
  status: number,
): Promise<Response> => {
  const response = await answer;
  expect(response.status, await response.clone().text()).toBe(status);
  return response;
};

/** Expects an answer with status 200. */
export const expectOk = async (answer: Response | Promise<Response>): Promise<Response> =>
  await expectStatus(answer, 200);

/** Expects a well-formed problem with this status. */
export const expectProblem = async (
  answer: Response | Promise<Response>,
  status: number,
): Promise<Problem> => await readProblem(await expectStatus(answer, status));
