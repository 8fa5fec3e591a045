// Requests to the box; what it refuses is a Problem with the stable code (RFC 9457).

export class Problem extends Error {
  constructor(code, detail) {
    super(detail);
    this.code = code;
  }
}

/** The response when it is 2xx; throws Problem otherwise, also when the box does not answer. */
export async function request(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { signal: AbortSignal.timeout(10_000), ...options });
  } catch {
    throw new Problem("unreachable", "the box does not answer");
  }
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => ({}));
  throw new Problem(body.code ?? `http_${answer.status}`, body.detail ?? `the box answered ${answer.status}`);
}

export async function postJson(path, body) {
  return request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
}
