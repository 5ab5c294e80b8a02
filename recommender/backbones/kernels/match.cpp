// The history match's sums, forward and backward, over the history slots that are there.
//
// Compiled for fixed sizes: WIDTH of an attribute vector and the number of TEMPERATURES. Of every sample: how much worth
// its history has, how many entries it has, and for each temperature the weights' sum and the weighed worth.
#include <cmath>
#include <cstdint>
#include <cstring>

constexpr int SUMS = 2 + 2 * TEMPERATURES;

extern "C" void forward(int64_t samples, int64_t length, const int64_t* item, const int64_t* history,
                        const int64_t* feedback, const float* unit, const float* worth, const float* rate, float* sums,
                        float* alikes, float* weights) {
    memset(sums, 0, samples * SUMS * sizeof(float));
    for (int64_t b = 0; b < samples; b++) {
        const float* candidate = unit + item[b] * WIDTH;
        float* sum = sums + b * SUMS;
        for (int64_t slot = b * length; slot < (b + 1) * length; slot++) {
            if (history[slot] == 0) continue;
            const float* past = unit + history[slot] * WIDTH;
            float alike = 0;
            for (int w = 0; w < WIDTH; w++) alike += candidate[w] * past[w];
            alikes[slot] = alike;
            const float value = worth[feedback[slot]];
            sum[0] += value;
            sum[1] += 1;
            for (int t = 0; t < TEMPERATURES; t++) {
                const float weight = std::exp((alike - 1) * rate[t]);
                weights[slot * TEMPERATURES + t] = weight;
                sum[2 + 2 * t] += weight;
                sum[3 + 2 * t] += weight * value;
            }
        }
    }
}

extern "C" void backward(int64_t samples, int64_t length, const int64_t* item, const int64_t* history,
                         const int64_t* feedback, const float* unit, const float* worth, const float* rate,
                         const float* alikes, const float* weights, const float* grads, float* d_unit, float* d_worth,
                         float* d_rate) {
    for (int64_t b = 0; b < samples; b++) {
        const float *candidate = unit + item[b] * WIDTH, *grad = grads + b * SUMS;
        float* d_candidate = d_unit + item[b] * WIDTH;
        for (int64_t slot = b * length; slot < (b + 1) * length; slot++) {
            if (history[slot] == 0) continue;
            const float value = worth[feedback[slot]];
            float of_value = grad[0], of_alike = 0;
            for (int t = 0; t < TEMPERATURES; t++) {
                const float weight = weights[slot * TEMPERATURES + t];
                const float of_exponent = (grad[2 + 2 * t] + grad[3 + 2 * t] * value) * weight;
                of_value += grad[3 + 2 * t] * weight;
                of_alike += of_exponent * rate[t];
                d_rate[t] += of_exponent * (alikes[slot] - 1);
            }
            d_worth[feedback[slot]] += of_value;
            const float* past = unit + history[slot] * WIDTH;
            float* d_past = d_unit + history[slot] * WIDTH;
            for (int w = 0; w < WIDTH; w++) {
                const float down = of_alike * past[w];  // read before either is written: they may be the same row
                d_past[w] += of_alike * candidate[w];
                d_candidate[w] += down;
            }
        }
    }
}
