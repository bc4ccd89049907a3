// Package verdict answers one question: where is the failure?
//
// # The law in one page
//
// An Isolator is shown one Second after the other: plain counts by route and by endpoint, and what the control law tried and found. It
// keeps how each route and endpoint was while nothing was wrong (its base: a decaying sum, half-life two minutes, of seconds that lie at least
// three back and before any trouble) and compares the newest three seconds with it. The dimensions are closed: client, this proxy, network,
// endpoint, route, the resource behind several routes, the whole upstream, a recent change; or unknown.
//
//   - A route fails if at least 4 and 2 % of its requests go wrong and that is more than 4 standard deviations over the base. It is slow if
//     the mean time of its answers is above 1.3 bases and 4 standard errors. It is well if it is evidently neither.
//   - Contrast. What one endpoint has alone is that endpoint's; if the connection is what fails it is the network's. What one route has alone is
//     that route's, if others are well. Routes that suffer together share something; if no other is well, it is the whole upstream.
//     Clients that leave or send nonsense although no backend is slow or fails are the trouble themselves. A process that is late is its own.
//   - The limit of a group hides what it cures, so whoever is held by one counts as suffering while it is held. Whoever took part in less than a
//     quarter of the trouble is not named, nor is who was never seen to suffer where two others were, nor a member that was not slower by 0.4 of what the others
//     were, in bases or in seconds, while most of them suffered, or at its worst, nor is anybody of whom it is not known how it was before. Where nobody
//     was seen to suffer only those are named of whom evidently more is asked than before, by half; one route alone if that is not so of all others too.
//   - What one route has for a while before or after others have it too is one trouble, laid to the route or to what it shares, whichever was longer.
//   - Interventions. A route that was found well while its group suffered is never named. One whose holding back evidently got the others more
//     done is. That shedding did not move the errors speaks for the failing route's own code, tenfold.
//   - A change is accused if it went live at most a minute before the trouble began, covers what suffers, and nothing else explains it: the
//     load has not grown by half since it began.
//
// Each second of trouble is a vote; votes fade with a half-life of thirty seconds of trouble. Confidence is the winner's part of the votes times n/(n+2.5): few
// seconds are never sure. Up to 0.6 the verdict is unknown.
//
// # Promised
//
// Pure: no clock, no dice, no lock; equal seconds give equal verdicts. A route that was evidently well more often than it suffered is never
// named. Memory is bounded by the number of routes and endpoints.
//
// # Not done
//
// Causes beyond the backend's edge (which query, which machine), and correlation over several instances.
package verdict
